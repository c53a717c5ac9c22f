//! Memory that several processes see, and locks that work in it.
//!
//! The locks are pthread's, placed in that memory: process-shared where processes map it, and robust
//! where there is such a thing (mutexes), so that a process that dies with one doesn't take it along.
//! To add a kind of lock: a type with `initialize`, a guard, and a line for [`Slot`].

use std::cell::UnsafeCell;
use std::fs::{File, OpenOptions};
use std::io;
use std::marker::PhantomData;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

/// Bytes of a slot: a cache line, so that neighbours don't slow each other down.
pub const SLOT_BYTES: usize = 64;

/// What may stand in a slot of shared memory.
///
/// # Safety
/// Fits into [`SLOT_BYTES`], may be all zeros, and can be used by several threads and processes at once.
pub unsafe trait Slot: Sync {}

// SAFETY: all zeros is the number 0, and it is atomic.
unsafe impl Slot for AtomicU64 {}
// SAFETY: pthread objects are made for several threads.
unsafe impl Sync for Mutex {}
// SAFETY: likewise.
unsafe impl Sync for RwLock {}
// SAFETY: likewise.
unsafe impl Sync for Semaphore {}
// SAFETY: a pthread object of at most 56 bytes, made for this; zeros are valid until it is initialized.
unsafe impl Slot for Mutex {}
// SAFETY: likewise.
unsafe impl Slot for RwLock {}
// SAFETY: likewise.
unsafe impl Slot for Semaphore {}

/// Slots of memory, zero at first.
pub struct SharedMemory {
    address: NonNull<u8>,
    slots: usize,
}

// SAFETY: a mapping belongs to the process; what stands in it is `Sync` (see `Slot`).
unsafe impl Send for SharedMemory {}
// SAFETY: likewise.
unsafe impl Sync for SharedMemory {}

impl SharedMemory {
    /// Memory of this process alone, shared by its threads.
    ///
    /// # Errors
    /// Where the system refuses it.
    pub fn anonymous(slots: usize) -> io::Result<SharedMemory> {
        SharedMemory::map(slots, -1, libc::MAP_ANONYMOUS)
    }

    /// Memory that other processes can [`open`](SharedMemory::open): a new file.
    ///
    /// # Errors
    /// Where the file can't be made or mapped.
    pub fn create(path: &Path, slots: usize) -> io::Result<SharedMemory> {
        let file = File::options()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)?;
        // Not only set to its length: where the disk is full, touching the memory would end the process.
        // SAFETY: a call on an open descriptor of ours.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, (slots * SLOT_BYTES) as i64) } {
            0 => {}
            code => return Err(io::Error::from_raw_os_error(code)),
        }
        SharedMemory::map(slots, file.as_raw_fd(), 0)
    }

    /// The memory that another process has created.
    ///
    /// # Errors
    /// Where the file isn't there, is too small or can't be mapped.
    pub fn open(path: &Path, slots: usize) -> io::Result<SharedMemory> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        if file.metadata()?.len() < (slots * SLOT_BYTES) as u64 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        SharedMemory::map(slots, file.as_raw_fd(), 0)
    }

    fn map(slots: usize, fd: i32, flags: i32) -> io::Result<SharedMemory> {
        // SAFETY: a new mapping at an address of the system's choice overlaps nothing.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                slots * SLOT_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | flags,
                fd,
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let address = NonNull::new(address.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(SharedMemory { address, slots })
    }

    /// What stands in a slot. Everyone must use it as the same type.
    ///
    /// # Panics
    /// Where there are fewer slots.
    pub fn slot<T: Slot>(&self, slot: usize) -> &T {
        const { assert!(size_of::<T>() <= SLOT_BYTES && align_of::<T>() <= SLOT_BYTES) };
        assert!(slot < self.slots, "slot {slot} of {}", self.slots);
        // SAFETY: within the mapping, aligned as a slot is, and usable by several at once (see `Slot`).
        unsafe { self.address.add(slot * SLOT_BYTES).cast().as_ref() }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own, and no reference into it outlives it.
        unsafe { libc::munmap(self.address.as_ptr().cast(), self.slots * SLOT_BYTES) };
    }
}

/// A pthread mutex.
#[repr(transparent)]
pub struct Mutex(UnsafeCell<libc::pthread_mutex_t>);

/// Holds a [`Mutex`]; only the thread that took it may give it back.
pub struct MutexGuard<'a>(&'a Mutex, PhantomData<*const ()>);

impl Mutex {
    /// Makes it one; before anyone uses it. One within a process is the ordinary, faster kind.
    pub fn initialize(&self, between_processes: bool) {
        // SAFETY: the attributes live through the calls, and nobody else uses the mutex yet.
        unsafe {
            let mut attributes = std::mem::zeroed();
            libc::pthread_mutexattr_init(&mut attributes);
            if between_processes {
                libc::pthread_mutexattr_setpshared(&mut attributes, libc::PTHREAD_PROCESS_SHARED);
                libc::pthread_mutexattr_setrobust(&mut attributes, libc::PTHREAD_MUTEX_ROBUST);
            }
            libc::pthread_mutex_init(self.0.get(), &attributes);
            libc::pthread_mutexattr_destroy(&mut attributes);
        }
    }

    /// Waits for it. Where its holder died with it, it is taken over: what it guards is one number.
    pub fn lock(&self) -> MutexGuard<'_> {
        // SAFETY: the mutex was initialized, and stays where it is.
        unsafe {
            if libc::pthread_mutex_lock(self.0.get()) == libc::EOWNERDEAD {
                libc::pthread_mutex_consistent(self.0.get());
            }
        }
        MutexGuard(self, PhantomData)
    }

    /// Takes it where nobody has it.
    pub fn try_lock(&self) -> Option<MutexGuard<'_>> {
        // SAFETY: the mutex was initialized, and stays where it is.
        let taken = unsafe {
            let code = libc::pthread_mutex_trylock(self.0.get());
            if code == libc::EOWNERDEAD {
                libc::pthread_mutex_consistent(self.0.get());
            }
            matches!(code, 0 | libc::EOWNERDEAD)
        };
        taken.then(|| MutexGuard(self, PhantomData))
    }
}

impl Drop for MutexGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: this thread holds it; the guard can't be sent to another.
        unsafe { libc::pthread_mutex_unlock(self.0.0.get()) };
    }
}

/// A pthread readers-writer lock.
#[repr(transparent)]
pub struct RwLock(UnsafeCell<libc::pthread_rwlock_t>);

/// Holds a [`RwLock`] for writing.
pub struct WriteGuard<'a>(&'a RwLock, PhantomData<*const ()>);

impl RwLock {
    /// Makes it one; before anyone uses it.
    pub fn initialize(&self, between_processes: bool) {
        // SAFETY: the attributes live through the calls, and nobody else uses the lock yet.
        unsafe {
            let mut attributes = std::mem::zeroed();
            libc::pthread_rwlockattr_init(&mut attributes);
            if between_processes {
                libc::pthread_rwlockattr_setpshared(&mut attributes, libc::PTHREAD_PROCESS_SHARED);
            }
            libc::pthread_rwlock_init(self.0.get(), &attributes);
            libc::pthread_rwlockattr_destroy(&mut attributes);
        }
    }

    /// Waits until nobody else reads or writes.
    pub fn write(&self) -> WriteGuard<'_> {
        // SAFETY: the lock was initialized, and stays where it is.
        unsafe { libc::pthread_rwlock_wrlock(self.0.get()) };
        WriteGuard(self, PhantomData)
    }

    /// Takes it for writing where nobody reads or writes.
    pub fn try_write(&self) -> Option<WriteGuard<'_>> {
        // SAFETY: the lock was initialized, and stays where it is.
        let taken = unsafe { libc::pthread_rwlock_trywrlock(self.0.get()) } == 0;
        taken.then(|| WriteGuard(self, PhantomData))
    }
}

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: this thread holds it.
        unsafe { libc::pthread_rwlock_unlock(self.0.0.get()) };
    }
}

/// A counting semaphore.
#[repr(transparent)]
pub struct Semaphore(UnsafeCell<libc::sem_t>);

/// One permit of a [`Semaphore`].
pub struct Permit<'a>(&'a Semaphore);

impl Semaphore {
    /// Makes it one of so many permits; before anyone uses it.
    pub fn initialize(&self, between_processes: bool, permits: u32) {
        // SAFETY: nobody else uses the semaphore yet.
        unsafe { libc::sem_init(self.0.get(), i32::from(between_processes), permits) };
    }

    /// Waits for a permit.
    pub fn acquire(&self) -> Permit<'_> {
        // SAFETY: the semaphore was initialized, and stays where it is. A signal only interrupts the wait.
        while unsafe { libc::sem_wait(self.0.get()) } != 0 {}
        Permit(self)
    }

    /// A permit where one is left.
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        // SAFETY: the semaphore was initialized, and stays where it is.
        let taken = unsafe { libc::sem_trywait(self.0.get()) } == 0;
        taken.then(|| Permit(self))
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        // SAFETY: the semaphore stays where it is.
        unsafe { libc::sem_post(self.0.0.get()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering::Relaxed;

    #[test]
    fn what_one_mapping_writes_another_reads() {
        let path = std::env::temp_dir().join(format!("conclab-shared-{}", uuid::Uuid::new_v4()));
        let first = SharedMemory::create(&path, 3).unwrap();
        let second = SharedMemory::open(&path, 3).unwrap();
        assert!(SharedMemory::open(&path, 99).is_err(), "it is smaller");
        std::fs::remove_file(&path).unwrap();
        first.slot::<AtomicU64>(2).store(7, Relaxed);
        assert_eq!(second.slot::<AtomicU64>(2).load(Relaxed), 7);
        first.slot::<Mutex>(0).initialize(true);
        let held = first.slot::<Mutex>(0).lock();
        drop(held);
        drop(second.slot::<Mutex>(0).lock());
    }

    #[test]
    fn a_lock_whose_holder_died_goes_to_the_next() {
        let memory = SharedMemory::anonymous(1).unwrap();
        let mutex = memory.slot::<Mutex>(0);
        mutex.initialize(true);
        // A thread that ends with a robust mutex is as dead as a process that does.
        std::thread::scope(|scope| {
            scope.spawn(|| std::mem::forget(mutex.lock()));
        });
        drop(mutex.lock());
        drop(mutex.lock());
    }

    #[test]
    fn locks_let_in_one_and_semaphores_so_many() {
        let memory = SharedMemory::anonymous(5).unwrap();
        let (mutex, rwlock, semaphore) = (memory.slot::<Mutex>(0), memory.slot(1), memory.slot(2));
        let (mutex, rwlock, semaphore): (&Mutex, &RwLock, &Semaphore) = (mutex, rwlock, semaphore);
        mutex.initialize(false);
        rwlock.initialize(false);
        semaphore.initialize(false, 2);
        let (inside, most) = (memory.slot::<AtomicU64>(3), memory.slot::<AtomicU64>(4));
        let plain = UnsafeCellOf(UnsafeCell::new(0u64));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for turn in 0..500 {
                        {
                            let _permit = semaphore.acquire();
                            most.fetch_max(inside.fetch_add(1, Relaxed) + 1, Relaxed);
                            std::thread::yield_now();
                            inside.fetch_sub(1, Relaxed);
                        }
                        let plain = &plain;
                        let add = || {
                            // SAFETY: one at a time, which is what is tested.
                            unsafe { *plain.0.get() += 1 }
                        };
                        let _outer = rwlock.write();
                        if turn % 2 == 0 {
                            let _held = mutex.lock();
                            add();
                        } else {
                            add();
                        }
                    }
                });
            }
        });
        assert_eq!(plain.0.into_inner(), 2000);
        assert_eq!(most.load(Relaxed), 2);
    }

    struct UnsafeCellOf(UnsafeCell<u64>);
    // SAFETY: the test's locks let in one thread at a time.
    unsafe impl Sync for UnsafeCellOf {}
}
