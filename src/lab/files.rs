//! The author's files: what is wrong with one before a cell runs, and replacing one as a whole.
//!
//! A file is written beside the one that it replaces, under a name of its own, and takes its place once it is
//! whole: a full disk, an interrupt or the end of this process leave what was there.

use crate::process::Stop;
use std::ffi::CString;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process;

/// Most links that are followed from a name to its file: Linux's own limit.
const MOST_LINKS: usize = 40;
/// What is written at once; an interrupt is looked for as often.
const CHUNK_BYTES: usize = 64 << 10;
/// What is said of a file that was being written when an interrupt came.
const INTERRUPTED: &str = "it was interrupted, and what was there before is kept";

/// What is wrong with a file, and what to do about it.
#[derive(Debug, PartialEq)]
pub struct Fault {
    /// Why it can't be used.
    pub why: String,
    /// What to write or do instead.
    pub help: String,
}

impl Fault {
    fn new(why: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault {
            why: why.into(),
            help: help.into(),
        }
    }
}

/// Why nothing can be written to a path; `None` where it can, as far as that is seen without writing.
pub fn unwritable(path: &Path) -> Option<Fault> {
    const ELSEWHERE: &str = "save under another name";
    let shown = path.display();
    let target = target(path);
    let error = match fs::metadata(&target) {
        Ok(about) if about.is_dir() => {
            let inside = path.join("trace.json");
            let help = format!(
                "name a file in it, such as {:?}",
                inside.display().to_string()
            );
            return Some(Fault::new(format!("{shown} is a folder"), help));
        }
        Ok(about) if !about.is_file() => {
            return Some(Fault::new(
                format!("{shown} is no ordinary file"),
                ELSEWHERE,
            ));
        }
        Ok(_) => {
            return access(&target, libc::W_OK).err().map(|error| {
                let help = format!("let it be written (chmod u+w {shown}), or {ELSEWHERE}");
                Fault::new(format!("{shown} can't be written: {error}"), help)
            });
        }
        Err(error) => error,
    };
    if error.kind() != ErrorKind::NotFound {
        return Some(Fault::new(
            format!("{shown} can't be written: {error}"),
            ELSEWHERE,
        ));
    }
    let folder = folder_of(&target);
    let name = folder.display();
    let why = match fs::metadata(folder) {
        Ok(about) if about.is_dir() => {
            return access(folder, libc::W_OK | libc::X_OK).err().map(|error| {
                let why = format!("the folder {name} takes no new file: {error}");
                Fault::new(why, "save to another folder")
            });
        }
        Ok(_) => format!("{name} is no folder"),
        Err(_) => format!("there is no folder {name}"),
    };
    let help = format!("make it first (mkdir -p {name}), or save to another folder");
    Some(Fault::new(why, help))
}

/// Why a file can't be read; `None` where it can.
pub fn unreadable(path: &Path) -> Option<Fault> {
    let shown = path.display();
    match fs::metadata(path) {
        Ok(about) if !about.is_file() => {
            let help = "name an ordinary file";
            return Some(Fault::new(format!("{shown} is no ordinary file"), help));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let home = std::env::current_dir().unwrap_or_default();
            let help = format!(
                "write it first, or name one that is there; names are looked up from {}",
                home.display()
            );
            return Some(Fault::new(format!("there is no file {shown}"), help));
        }
        _ => {}
    }
    let error = File::open(path).err()?;
    let help = format!("let it be read (chmod u+r {shown}), or name another file");
    Some(Fault::new(format!("{shown} can't be read: {error}"), help))
}

/// Replaces a file by what `write` writes, or makes it; its permissions stay, and of a link it is the target.
///
/// Where the folder takes no new file, and the file itself can be written, it is written in its place.
///
/// # Errors
/// Those of writing; what is no ordinary file; an interrupt. What was there before is kept, but for an error in
/// the file's own place.
pub fn replace(
    path: &Path,
    stop: &Stop,
    write: &dyn Fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let target = target(path);
    let before = match fs::metadata(&target) {
        Ok(about) if about.is_file() => Some(about),
        Ok(about) if about.is_dir() => return Err(io::Error::other("it is a folder")),
        Ok(_) => return Err(io::Error::other("it is no ordinary file")),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if before.is_some() {
        // A rename would ask the folder only.
        access(&target, libc::W_OK)?;
    }
    let Some(beside) = Beside::new(&target, before.as_ref())? else {
        return in_place(&target, stop, write);
    };
    filled(&beside.file, stop, write)?;
    match fs::rename(&beside.path, &target) {
        Err(error) if before.is_some() && is_refused(&error) => in_place(&target, stop, write),
        renamed => renamed,
    }
}

/// A file beside another one; removed again where it has not taken its place.
struct Beside {
    path: PathBuf,
    file: File,
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Renamed, it has this name no more.
        let _ = fs::remove_file(&self.path);
    }
}

impl Beside {
    /// Such a file, with the owner and the permissions of the one that was there; `None` where the folder refuses
    /// it, or they can't be kept, and there is one to be written in its place.
    fn new(target: &Path, before: Option<&Metadata>) -> io::Result<Option<Beside>> {
        let made = (0..).map(|number| {
            let name = format!(".conclab-{}-{number}.part", process::id());
            let path = folder_of(target).join(name);
            let file = OpenOptions::new().write(true).create_new(true).open(&path);
            file.map(|file| Beside { path, file })
        });
        let exists = |made: &io::Result<Beside>| matches!(made, Err(error) if error.kind() == ErrorKind::AlreadyExists);
        let beside = match made.take(1000).find(|made| !exists(made)) {
            Some(Ok(beside)) => beside,
            Some(Err(error)) if before.is_some() && is_refused(&error) => return Ok(None),
            Some(Err(error)) => return Err(error),
            None => return Err(ErrorKind::AlreadyExists.into()),
        };
        let Some(before) = before else {
            return Ok(Some(beside));
        };
        let own = beside.file.metadata()?;
        if (own.uid(), own.gid()) != (before.uid(), before.gid())
            && fchown(&beside.file, Some(before.uid()), Some(before.gid())).is_err()
        {
            return Ok(None);
        }
        let permissions = Permissions::from_mode(before.permissions().mode() & 0o7777);
        beside.file.set_permissions(permissions)?;
        Ok(Some(beside))
    }
}

/// Writes to a file where it stands.
fn in_place(
    target: &Path,
    stop: &Stop,
    write: &dyn Fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    // It may be a pipe by now, which nobody reads.
    let file = OpenOptions::new()
        .write(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(target)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no ordinary file"));
    }
    file.set_len(0)?;
    filled(&file, stop, write)
}

/// Writes all of a file.
fn filled(
    file: &File,
    stop: &Stop,
    write: &dyn Fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(CHUNK_BYTES, Stoppable { file, stop });
    write(&mut out)?;
    out.flush()
}

/// A file to which nothing is written once an interrupt has come.
struct Stoppable<'a> {
    file: &'a File,
    stop: &'a Stop,
}

impl Write for Stoppable<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stop.is_set() {
            true => Err(io::Error::other(INTERRUPTED)),
            false => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Whether a folder refuses what its file may allow: by its permissions, read-only, or one file mounted alone.
fn is_refused(error: &io::Error) -> bool {
    let codes = [libc::EACCES, libc::EPERM, libc::EROFS, libc::EBUSY];
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

/// What a path leads to behind all links, whether or not it is there.
fn target(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(link) = fs::read_link(&target) else {
            break;
        };
        target = folder_of(&target).join(link);
    }
    target
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether this process may do that with a file.
fn access(path: &Path, mode: i32) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path is a valid C string.
    match unsafe { libc::faccessat(libc::AT_FDCWD, path.as_ptr(), mode, libc::AT_EACCESS) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Interrupt;
    use std::os::unix::fs::symlink;

    /// A folder of its own, removed in the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            let path = std::env::temp_dir().join(format!("conclab-files-{}", uuid::Uuid::new_v4()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(&self.0).unwrap();
            let mut names: Vec<String> = entries
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn pipe(path: &Path) {
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: the path is a valid C string.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    }

    fn text(text: &'static str) -> impl Fn(&mut dyn Write) -> io::Result<()> {
        move |out| out.write_all(text.as_bytes())
    }

    #[test]
    fn a_file_is_replaced_whole_and_keeps_what_was_there_where_that_fails() {
        let folder = Folder::new();
        let (file, link) = (folder.file("a.json"), folder.file("link.json"));
        let interrupt = Interrupt::default();
        let stop = interrupt.stop();
        replace(&file, &stop, &text("first")).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink("a.json", &link).unwrap();
        replace(&link, &stop, &text("second")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "second");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        // Much is written, and then the disk is full.
        let fails = |out: &mut dyn Write| {
            out.write_all(&vec![b'x'; 3 * CHUNK_BYTES])?;
            Err(io::Error::from_raw_os_error(libc::ENOSPC))
        };
        assert!(replace(&file, &stop, &fails).is_err());
        // An interrupt while it is written.
        let interrupted = |out: &mut dyn Write| {
            interrupt.raise();
            (0..100).try_for_each(|_| out.write_all(&[b'x'; CHUNK_BYTES]))
        };
        let error = replace(&file, &stop, &interrupted).unwrap_err();
        assert!(error.to_string().contains("interrupted"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "second");
        assert_eq!(folder.names(), ["a.json", "link.json"]);
    }

    #[test]
    fn what_is_no_ordinary_file_is_never_opened() {
        let folder = Folder::new();
        let fifo = folder.file("x.trace.json");
        pipe(&fifo);
        let stop = Interrupt::default().stop();
        for path in [&fifo, &folder.0] {
            assert!(replace(path, &stop, &text("")).is_err());
            assert!(unwritable(path).is_some());
            assert!(unreadable(path).is_some());
        }
        assert!(in_place(&fifo, &stop, &text("")).is_err());
    }

    #[test]
    fn a_file_is_looked_at_before_anything_is_written() {
        let folder = Folder::new();
        let said = |path: &Path| unwritable(path).map(|fault| fault.why);
        assert_eq!(said(&folder.file("new.csv")), None);
        let missing = folder.file("no/such/x.csv");
        assert!(said(&missing).unwrap().contains("there is no folder"));
        fs::write(folder.file("file"), "").unwrap();
        let below = folder.file("file/x.csv");
        assert!(said(&below).is_some());
        let dangling = folder.file("dangling.csv");
        symlink("later.csv", &dangling).unwrap();
        assert_eq!(said(&dangling), None);
        let around = folder.file("around.csv");
        symlink("around.csv", &around).unwrap();
        assert!(said(&around).is_some());
        assert_eq!(unreadable(&folder.file("file")), None);
        assert!(unreadable(&missing).unwrap().why.contains("no file"));
    }
}
