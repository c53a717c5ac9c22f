//! A trial on a real CPython: this process becomes the interpreter.
//!
//! What a trial has already survives the exec: its group, the signal that it gets when its parent dies, being
//! a subreaper, the reply's descriptor, the raised limit of descriptors. The request goes on as a file
//! without a name on standard input. Harness: `src/runtime/python/`.

use super::{Python, Request};
use crate::process::{REPLY_DESCRIPTOR, explained};
use crate::service::ADDRESS_VARIABLE;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Longest folder in which `multiprocessing` can make its sockets, whose paths are at most 107 bytes:
/// `pymp-xxxxxxxx/listener-xxxxxxxx` come behind it.
const LONGEST_TEMPORARY: usize = 107 - "/pymp-xxxxxxxx/listener-xxxxxxxx".len();

/// What Python seeds the hashes of texts with.
const HASH_SEED: &str = "PYTHONHASHSEED";

/// Becomes the interpreter; returns only where that fails, with what to tell.
///
/// # Errors
/// Where the request can't be handed on.
pub fn exec(python: &Python, request: &Request, text: &str) -> io::Result<String> {
    // SAFETY: the name is a valid C string; the result is checked.
    let fd = unsafe { libc::memfd_create(c"request".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: memfd_create returned a descriptor that nothing else owns.
    let mut input = unsafe { File::from_raw_fd(fd) };
    input.write_all(text.as_bytes())?;
    input.rewind()?;
    // SAFETY: fcntl on a descriptor that this process was started with.
    unsafe { libc::fcntl(REPLY_DESCRIPTOR, libc::F_SETFD, 0) };
    debug_assert!(input.as_raw_fd() != REPLY_DESCRIPTOR);
    let mut command = Command::new(&python.interpreter);
    // The author's code may need what is installed beside the interpreter; nothing else does, and looking
    // for it takes time.
    if !request.program.uses_python() {
        command.args(["-I", "-S"]);
    }
    // What an interpreter that is killed leaves there goes with the trial's folder.
    let directory = &request.site.directory;
    if directory.as_os_str().as_bytes().len() <= LONGEST_TEMPORARY {
        command.env("TMPDIR", directory);
    }
    // Texts of sets come in the same order in every process, so that answers can be compared; without `-I` only.
    if std::env::var_os(HASH_SEED).is_none() {
        command.env(HASH_SEED, "0");
    }
    if let Some(address) = request.site.delay_server {
        command.env(ADDRESS_VARIABLE, format!("http://{address}"));
    }
    let error = command
        .arg(&python.harness)
        .stdin(Stdio::from(input))
        .exec();
    Ok(format!(
        "{} could not be started: {}",
        python.interpreter.display(),
        explained(&error)
    ))
}
