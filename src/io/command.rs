//! Programs: started without a shell, and waited for.

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use tokio::io::AsyncReadExt;

/// Most that is kept of what a program prints as errors: its end.
const MOST_PRINTED: usize = 4 << 10;

/// Runs a program to its end on the calling thread; 0, its exit code, is the result.
///
/// # Errors
/// Where it can't be started, or ends with another exit code or by a signal.
pub fn run(argv: &[String], directory: &Path) -> Result<u64, String> {
    judge(argv, output(command(argv, directory)?))
}

fn output(mut command: Command) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = command.spawn()?;
    let mut printed = Vec::new();
    if let Some(mut errors) = child.stderr.take() {
        let mut part = [0u8; MOST_PRINTED];
        loop {
            match errors.read(&mut part) {
                Ok(0) => break,
                Ok(count) => keep_end(&mut printed, &part[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
    }
    Ok((child.wait()?, printed))
}

fn keep_end(printed: &mut Vec<u8>, part: &[u8]) {
    printed.extend_from_slice(part);
    let surplus = printed.len().saturating_sub(MOST_PRINTED);
    printed.drain(..surplus);
}

/// The same on an event loop, which serves others meanwhile. A task that is called off kills it.
///
/// # Errors
/// As [`run`].
pub async fn run_async(argv: &[String], directory: &Path) -> Result<u64, String> {
    let mut command = tokio::process::Command::from(command(argv, directory)?);
    command.kill_on_drop(true);
    judge(argv, output_async(command).await)
}

async fn output_async(mut command: tokio::process::Command) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = command.spawn()?;
    let mut printed = Vec::new();
    if let Some(mut errors) = child.stderr.take() {
        // Not in the future itself: every task waiting for a program would hold it.
        let mut part = Vec::with_capacity(MOST_PRINTED);
        while errors
            .read_buf(&mut part)
            .await
            .is_ok_and(|count| count > 0)
        {
            keep_end(&mut printed, &part);
            part.clear();
        }
    }
    Ok((child.wait().await?, printed))
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

fn judge(argv: &[String], ended: io::Result<(ExitStatus, Vec<u8>)>) -> Result<u64, String> {
    let program = argv.first().map_or("", String::as_str);
    let (status, stderr) =
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
        let much = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done >&2; exit 1";
        assert_eq!(
            run(&["sh", "-c", much]),
            Err("`sh` ended with exit code 1: line 19999".to_owned())
        );
        // Not through a shell: this is one program with a strange name.
        assert!(run(&["true; true"]).is_err());
    }
}
