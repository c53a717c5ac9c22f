//! Files: written anew, or read from one that was made before the clock.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// What is written to files, again and again; also how much is read at a time.
static BLOCK: [u8; 64 << 10] = [b'c'; 64 << 10];

/// The file that tasks read, within a trial's folder.
pub fn to_read(directory: &Path) -> PathBuf {
    directory.join("to-read")
}

/// Creates a file of `bytes`, and waits until the disk has it where `sync` says so; its size is the result.
///
/// # Errors
/// A sentence with the system's reason.
pub fn write(path: &Path, bytes: u64, sync: bool) -> Result<u64, String> {
    let fill = || {
        let mut file = File::create_new(path)?;
        let mut left = bytes;
        while left > 0 {
            let part = left.min(BLOCK.len() as u64);
            file.write_all(&BLOCK[..part as usize])?;
            left -= part;
        }
        if sync {
            file.sync_all()?;
        }
        io::Result::Ok(bytes)
    };
    fill().map_err(|error| format!("a file could not be written: {error}"))
}

/// Reads the first `bytes` of a file; their number is the result.
///
/// # Errors
/// A sentence with the system's reason, also where the file is shorter.
pub fn read(path: &Path, bytes: u64) -> Result<u64, String> {
    let drain = || {
        let mut file = File::open(path)?;
        let mut buffer = vec![0; BLOCK.len().min(bytes as usize)];
        let mut left = bytes;
        while left > 0 {
            let part = left.min(buffer.len() as u64) as usize;
            file.read_exact(&mut buffer[..part])?;
            black_box(&buffer);
            left -= part as u64;
        }
        io::Result::Ok(bytes)
    };
    drain().map_err(|error| format!("a file could not be read: {error}"))
}
