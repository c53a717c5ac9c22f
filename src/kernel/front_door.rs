//! The front door: what listens in public, so that nothing reaches zeromq that it can't stand.
//!
//! zeromq 0.7.0 allocates whatever a frame announces, lets one subscriber that stops reading stall all
//! others, and waits for a handshake for ever. So it listens on private sockets only; here, one task for
//! each public connection copies bytes both ways, walks along those that come in ([`super::zmtp`]), and
//! keeps what a slow peer hasn't read yet, up to a limit. It also knows when everything that was sent
//! has been written, which zeromq doesn't tell. To change what a channel may do: its [`Limits`].

use super::log;
use super::zmtp::{Limits, Walk};
use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, OpenOptionsExt};
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout_at};

/// Time for greeting and READY, from the moment of connecting.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// Longest wait for a port that something else still holds.
const TAKEN: Duration = Duration::from_secs(2);
/// Most that is kept for a peer that doesn't read, in bytes; beyond it, the connection ends.
const MOST_BEHIND_BYTES: usize = 64 << 20;
/// Read at once, in bytes.
const CHUNK_BYTES: usize = 16 << 10;
/// A buffer that grew beyond this is given back once it is empty, in bytes.
const KEPT_BYTES: usize = 1 << 20;

/// Connections that may be in their handshake at one time, over all channels: each holds a descriptor.
static HANDSHAKES: Semaphore = Semaphore::const_new(512);

/// Where the public side listens.
#[derive(Clone, Debug)]
pub enum Address {
    /// Host and port.
    Tcp(String, u16),
    /// A path.
    Ipc(PathBuf),
}

/// One channel's door. Its tasks run on the runtime that opened it.
pub struct Door {
    private: PrivateSocket,
    limits: Limits,
    connections: Mutex<Vec<Arc<Connection>>>,
    drained: Notify,
}

/// Listens, and waits a moment for a port that is taken: frontends choose one, let it go and tell the
/// kernel, and meanwhile the system may lend it to any outgoing connection.
async fn bind(host: &str, port: u16) -> io::Result<TcpListener> {
    let deadline = Instant::now() + TAKEN;
    loop {
        match TcpListener::bind((host, port)).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                sleep(Duration::from_millis(20)).await;
            }
            bound => return bound,
        }
    }
}

/// What is known of one connection while it lasts.
struct Connection {
    /// zeromq's end, to be asked how many bytes wait in it.
    private: RawFd,
    /// Bytes kept for the peer.
    behind_bytes: AtomicUsize,
    /// zeromq has begun to write a message, and has more of it.
    within_message: AtomicBool,
    /// Nobody waits for a peer that was waited for in vain, until it has caught up.
    slow: AtomicBool,
}

/// Takes a connection off its door's list when its task ends, however it ends.
struct Listed<'a> {
    door: &'a Door,
    connection: Arc<Connection>,
}

/// A socket without a name: it was unlinked as soon as it was bound, so that only this process reaches
/// it and nothing is left behind, not even after SIGKILL.
struct PrivateSocket(File);

impl Door {
    /// Listens at `address` for the zeromq socket that takes over the returned listener.
    ///
    /// # Errors
    /// The address is taken or malformed, or the temporary folder can't be written.
    pub async fn open(
        address: &Address,
        limits: Limits,
    ) -> io::Result<(Arc<Self>, StdUnixListener)> {
        let (listener, private) = PrivateSocket::bind()?;
        let door = Arc::new(Self {
            private,
            limits,
            connections: Mutex::default(),
            drained: Notify::new(),
        });
        match address {
            Address::Tcp(host, port) => {
                let public = bind(host, *port).await?;
                tokio::spawn(door.clone().accept(async move || {
                    let (stream, _) = public.accept().await?;
                    stream.set_nodelay(true)?;
                    Ok(stream)
                }));
            }
            Address::Ipc(path) => {
                remove_socket(path);
                let public = UnixListener::bind(path)?;
                tokio::spawn(
                    door.clone()
                        .accept(async move || Ok(public.accept().await?.0)),
                );
            }
        }
        Ok((door, listener))
    }

    /// Waits until everything that zeromq sent has been written to the peers, at most `bound`, and not
    /// for a peer that is known to be slow.
    pub async fn settle(&self, bound: Duration) {
        let deadline = Instant::now() + bound;
        loop {
            let drained = self.drained.notified();
            // zeromq's own writing tasks were woken before this one: one turn lets them write.
            tokio::task::yield_now().await;
            if self.waited_for().next().is_none() {
                return;
            }
            if timeout_at(deadline, drained).await.is_err() {
                self.waited_for()
                    .for_each(|connection| connection.slow.store(true, Ordering::Relaxed));
                return;
            }
        }
    }

    fn waited_for(&self) -> impl Iterator<Item = Arc<Connection>> {
        let connections = self.list().clone();
        connections.into_iter().filter(|connection| {
            !connection.slow.load(Ordering::Relaxed) && !connection.is_drained()
        })
    }

    fn list(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.connections
            .lock()
            .unwrap_or_else(|poison| poison.into_inner())
    }

    async fn accept<S, F>(self: Arc<Self>, mut next: F)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
        F: AsyncFnMut() -> io::Result<S>,
    {
        loop {
            match next().await {
                Ok(public) => match HANDSHAKES.try_acquire() {
                    Ok(permit) => {
                        let door = self.clone();
                        tokio::spawn(async move {
                            if let Err(reason) = door.serve(public, permit).await {
                                log::line(format_args!("ended a connection: {reason}"));
                            }
                        });
                    }
                    Err(_) => log::line(format_args!("refused a connection: too many are silent")),
                },
                Err(error) => {
                    // Out of descriptors, perhaps; connections that end will free some.
                    log::line(format_args!("could not accept a connection: {error}"));
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    /// One connection, to its end.
    ///
    /// # Errors
    /// Why it was ended from this side.
    async fn serve<S>(&self, public: S, permit: SemaphorePermit<'_>) -> Result<(), &'static str>
    where
        S: AsyncRead + AsyncWrite,
    {
        let deadline = Instant::now() + HANDSHAKE;
        let (mut public_in, public_out) = tokio::io::split(public);
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut walk = Walk::new(self.limits);
        // A peer that says nothing gets nothing, and costs one descriptor.
        // Silence is not worth a line of the log either.
        let count = first_read(&mut public_in, &mut chunk, deadline)
            .await
            .unwrap_or(0);
        if count == 0 {
            return Ok(());
        }
        walk.feed(&chunk[..count])?;
        let private = UnixStream::connect(self.private.path())
            .await
            .map_err(|_| "the socket behind the door could not be reached")?;
        let listed = Listed::new(self, private.as_raw_fd());
        let (private_in, mut private_out) = private.into_split();
        let mut permit = Some(permit);
        let inbound = async {
            let mut count = count;
            loop {
                if private_out.write_all(&chunk[..count]).await.is_err() {
                    return Ok(());
                }
                count = match walk.is_ready() {
                    true => {
                        permit.take();
                        public_in.read(&mut chunk).await.unwrap_or(0)
                    }
                    false => first_read(&mut public_in, &mut chunk, deadline).await?,
                };
                if count == 0 {
                    return Ok(());
                }
                walk.feed(&chunk[..count])?;
            }
        };
        tokio::select! {
            end = inbound => end,
            end = listed.outbound(private_in, public_out) => end,
        }
    }
}

/// Reads during the handshake.
async fn first_read(
    public: &mut (impl AsyncRead + Unpin),
    chunk: &mut [u8],
    deadline: Instant,
) -> Result<usize, &'static str> {
    match timeout_at(deadline, public.read(chunk)).await {
        Ok(count) => Ok(count.unwrap_or(0)),
        Err(_) => Err("no handshake within 5 s"),
    }
}

impl<'a> Listed<'a> {
    fn new(door: &'a Door, private: RawFd) -> Self {
        let connection = Arc::new(Connection {
            private,
            behind_bytes: AtomicUsize::new(0),
            within_message: AtomicBool::new(false),
            slow: AtomicBool::new(false),
        });
        door.list().push(connection.clone());
        Self { door, connection }
    }

    /// Copies what zeromq sends to the peer; always reads, so that no peer stalls zeromq.
    async fn outbound(
        &self,
        mut private: impl AsyncRead + Unpin,
        mut public: impl AsyncWrite + Unpin,
    ) -> Result<(), &'static str> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut kept = VecDeque::new();
        let mut walk = Walk::new(Limits::NONE);
        loop {
            tokio::select! {
                read = private.read(&mut chunk) => match read {
                    Ok(count) if count > 0 => {
                        walk.feed(&chunk[..count])?;
                        let within = !walk.is_between_messages();
                        self.connection.within_message.store(within, Ordering::Relaxed);
                        kept.extend(&chunk[..count]);
                    }
                    _ => return Ok(()),
                },
                written = public.write(kept.as_slices().0), if !kept.is_empty() => match written {
                    Ok(count) if count > 0 => drop(kept.drain(..count)),
                    _ => return Ok(()),
                },
            }
            self.connection
                .behind_bytes
                .store(kept.len(), Ordering::Relaxed);
            if kept.len() > MOST_BEHIND_BYTES {
                return Err("it fell 64 MB behind");
            }
            if kept.is_empty() {
                if kept.capacity() > KEPT_BYTES {
                    kept = VecDeque::new();
                }
                self.connection.slow.store(false, Ordering::Relaxed);
                self.door.drained.notify_waiters();
            }
        }
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.door
            .list()
            .retain(|other| !Arc::ptr_eq(other, &self.connection));
        self.door.drained.notify_waiters();
    }
}

impl Connection {
    /// Whether the peer has been written everything: nothing is kept, nothing waits in zeromq's end.
    fn is_drained(&self) -> bool {
        let mut waiting: libc::c_int = 0;
        // SAFETY: FIONREAD writes one int. The descriptor is open as long as this connection is listed.
        let result = unsafe { libc::ioctl(self.private, libc::FIONREAD, &mut waiting) };
        self.behind_bytes.load(Ordering::Relaxed) == 0
            && !self.within_message.load(Ordering::Relaxed)
            && (result != 0 || waiting == 0)
    }
}

impl PrivateSocket {
    fn bind() -> io::Result<(StdUnixListener, Self)> {
        let folder = std::env::temp_dir().join(format!("conclab-{}", uuid::Uuid::new_v4()));
        DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!(
                        "no folder could be made in {}: {error}; set TMPDIR to a folder that can be written",
                        std::env::temp_dir().display()
                    ),
                )
            })?;
        let bound = Self::bind_in(&folder);
        fs::remove_dir(&folder)?;
        bound
    }

    fn bind_in(folder: &Path) -> io::Result<(StdUnixListener, Self)> {
        let open = |path: &Path| {
            OpenOptions::new()
                .read(true)
                .custom_flags(libc::O_PATH)
                .open(path)
        };
        // By descriptor, because a socket's address has room for 107 bytes only.
        let opened = open(folder)?;
        let name = PathBuf::from(format!("/proc/self/fd/{}/socket", opened.as_raw_fd()));
        let listener = StdUnixListener::bind(&name)?;
        let socket = open(&name);
        fs::remove_file(&name)?;
        Ok((listener, Self(socket?)))
    }

    /// A path that leads to the socket, in this process only.
    fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

/// Removes a socket that an earlier kernel left at `path`; never another kind of file.
pub fn remove_socket(path: &Path) {
    if fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket()) {
        // Where this fails, binding says why.
        let _ = fs::remove_file(path);
    }
}
