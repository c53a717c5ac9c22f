//! What to do about errors of the system that say that something has run out.
//!
//! To add one: an arm in [`remedy`].

use std::io;

/// What to do about an error, as the end of a sentence; empty where only the error itself says.
pub fn remedy(error: &io::Error) -> &'static str {
    match error.raw_os_error() {
        Some(libc::EMFILE) => "; raise the limit of open files (ulimit -n)",
        Some(libc::ENFILE) => "; the whole machine has too many files open: end other programs",
        Some(libc::EAGAIN) => {
            "; raise the limits of processes and memory (ulimit -u, -v), or end other programs"
        }
        Some(libc::ENOMEM) => "; raise the limit of memory (ulimit -v), or end other programs",
        Some(libc::ENOSPC | libc::EDQUOT) => {
            "; free some space, or set TMPDIR to a folder that has it"
        }
        _ => "",
    }
}

/// An error with what to do about it.
pub fn explained(error: &io::Error) -> String {
    format!("{error}{}", remedy(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_run_out_is_told_with_its_remedy() {
        let told = |code| explained(&io::Error::from_raw_os_error(code));
        assert!(
            told(libc::EMFILE)
                .ends_with("(os error 24); raise the limit of open files (ulimit -n)")
        );
        assert!(told(libc::EAGAIN).contains("ulimit -u"));
        assert_eq!(explained(&io::Error::other("broken")), "broken");
    }
}
