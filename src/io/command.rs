//! Programs: started without a shell, and waited for.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a program to its end on the calling thread; 0, its exit code, is the result.
///
/// # Errors
/// Where it can't be started, or ends with another exit code or by a signal.
pub fn run(argv: &[String], directory: &Path) -> Result<u64, String> {
    judge(argv, command(argv, directory)?.output())
}

/// The same on an event loop, which serves others meanwhile. A task that is called off kills it.
///
/// # Errors
/// As [`run`].
pub async fn run_async(argv: &[String], directory: &Path) -> Result<u64, String> {
    let mut command = tokio::process::Command::from(command(argv, directory)?);
    judge(argv, command.kill_on_drop(true).output().await)
}

fn command(argv: &[String], directory: &Path) -> Result<Command, String> {
    let (program, arguments) = argv.split_first().ok_or("there is no program to run")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(directory)
        .stdin(Stdio::null())
        // A worker's own output is what it answers its model by.
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    Ok(command)
}

fn judge(argv: &[String], ended: std::io::Result<Output>) -> Result<u64, String> {
    let program = argv.first().map_or("", String::as_str);
    let Output { status, stderr, .. } =
        ended.map_err(|error| format!("`{program}` could not be started: {error}"))?;
    if status.success() {
        return Ok(0);
    }
    let how = match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, signal) => format!("was ended by signal {}", signal.unwrap_or(0)),
    };
    let printed = String::from_utf8_lossy(&stderr);
    let last = printed.lines().rfind(|line| !line.trim().is_empty());
    Err(match last {
        Some(line) => format!("`{program}` {how}: {}", line.trim()),
        None => format!("`{program}` {how}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_program_ended_is_told() {
        let run = |argv: &[&str]| {
            let argv: Vec<String> = argv.iter().map(|word| (*word).to_owned()).collect();
            run(&argv, Path::new("/"))
        };
        assert_eq!(run(&["true"]), Ok(0));
        assert_eq!(
            run(&["sh", "-c", "echo one >&2; echo two >&2; exit 3"]),
            Err("`sh` ended with exit code 3: two".to_owned())
        );
        assert_eq!(
            run(&["sh", "-c", "kill -9 $$"]),
            Err("`sh` was ended by signal 9".to_owned())
        );
        let missing = run(&["no-such-program-here"]).unwrap_err();
        assert!(missing.contains("could not be started"), "{missing}");
        // Not through a shell: this is one program with a strange name.
        assert!(run(&["true; true"]).is_err());
    }
}
