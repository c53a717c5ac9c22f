//! How far a cell is, as one display that is updated in place and ends as a line of summary.

use crate::lab::Progress;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Shortest time between two updates: at most five a second.
const INTERVAL: Duration = Duration::from_millis(200);

/// The display of one cell.
#[derive(Debug, Default)]
pub struct ProgressDisplay {
    id: String,
    last: Option<(Instant, Progress)>,
}

impl ProgressDisplay {
    /// The message to send for this progress: its type and content. `None` where one was sent just now.
    pub fn tell(&mut self, progress: Progress) -> Option<(&'static str, Value)> {
        let first = self.last.is_none();
        let recent = self
            .last
            .as_ref()
            .is_some_and(|(sent, _)| sent.elapsed() < INTERVAL);
        if recent && !progress.finished {
            return None;
        }
        if first {
            self.id = uuid::Uuid::new_v4().to_string();
        }
        let content = json!({
            "data": { "text/html": html(&progress), "text/plain": plain(&progress) },
            "metadata": {},
            "transient": { "display_id": self.id },
        });
        self.last = Some((Instant::now(), progress));
        Some((
            if first {
                "display_data"
            } else {
                "update_display_data"
            },
            content,
        ))
    }

    /// The last message for a cell that ended early, so that no bar stays behind.
    pub fn end(&mut self, why: &str) -> Option<(&'static str, Value)> {
        let (_, last) = self.last.as_ref().filter(|(_, last)| !last.finished)?;
        let label = format!("{why} after {} of {} trials", last.done, last.total);
        self.tell(Progress {
            label,
            finished: true,
            ..*last
        })
    }
}

fn plain(progress: &Progress) -> String {
    match progress.finished {
        true => progress.label.clone(),
        false => format!(
            "{} of {} · {}",
            progress.done, progress.total, progress.label
        ),
    }
}

fn html(progress: &Progress) -> String {
    let text = escaped(&plain(progress));
    let Progress {
        done,
        total,
        finished,
        ..
    } = progress;
    match finished {
        true => format!("<small>{text}</small>"),
        false => {
            format!("<progress value=\"{done}\" max=\"{total}\"></progress> <small>{text}</small>")
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(done: u32, finished: bool) -> Progress {
        Progress {
            done,
            total: 9,
            label: "threads <2>".to_owned(),
            finished,
        }
    }

    #[test]
    fn one_display_is_updated_not_too_often_and_always_ends() {
        let mut display = ProgressDisplay::default();
        let (first, content) = display.tell(progress(0, false)).unwrap();
        assert_eq!(first, "display_data");
        let html = content["data"]["text/html"].as_str().unwrap();
        assert!(
            html.contains("<progress value=\"0\" max=\"9\">") && html.contains("&lt;2&gt;"),
            "{html}"
        );
        assert_eq!(display.tell(progress(1, false)), None, "within 200 ms");
        let (last, ended) = display.tell(progress(9, true)).unwrap();
        assert_eq!(last, "update_display_data");
        assert_eq!(ended["transient"], content["transient"]);
        assert_eq!(ended["data"]["text/plain"], "threads <2>");
        assert_eq!(display.end("interrupted"), None, "it has ended");
    }

    #[test]
    fn a_cell_that_ends_early_leaves_no_bar_behind() {
        let mut display = ProgressDisplay::default();
        assert_eq!(display.end("interrupted"), None, "nothing was shown");
        display.tell(progress(3, false));
        let (_, content) = display.end("interrupted").unwrap();
        assert_eq!(
            content["data"]["text/plain"],
            "interrupted after 3 of 9 trials"
        );
    }
}
