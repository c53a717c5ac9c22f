//! What was executed in this session, for `history_request`: tail, range and search.

use jupyter_protocol::{HistoryEntry, HistoryReply};
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};

/// Cells remembered; the oldest are forgotten first.
const MOST_CELLS: usize = 10_000;
/// Number of the one session that is remembered.
const SESSION: usize = 1;

/// The cells of this session, oldest first: execution count and text.
#[derive(Debug, Default)]
pub struct History {
    cells: VecDeque<(usize, String)>,
}

impl History {
    /// Remembers a cell.
    pub fn add(&mut self, count: usize, text: &str) {
        if self.cells.len() == MOST_CELLS {
            self.cells.pop_front();
        }
        self.cells.push_back((count, text.to_owned()));
    }

    /// Answers a `history_request`; whatever is missing in it has a default.
    pub fn answer(&self, request: &Value) -> Value {
        let number = |key: &str| request[key].as_i64();
        let most = number("n").map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(0));
        let mut found: Vec<&(usize, String)> = match request["hist_access_type"].as_str() {
            Some("range") => {
                let session = number("session").unwrap_or(0);
                self.range(session, number("start").unwrap_or(0), number("stop"))
            }
            Some("search") => {
                let pattern = request["pattern"].as_str().unwrap_or("*");
                self.search(pattern, request["unique"].as_bool().unwrap_or(false))
            }
            _ => self.cells.iter().collect(),
        };
        if request["hist_access_type"] != "range" {
            found.drain(..found.len().saturating_sub(most));
        }
        if request["output"].as_bool().unwrap_or(false) {
            // The outputs themselves aren't kept; the protocol has null for that, its types don't.
            let entry = |(count, text): &(usize, String)| json!([SESSION, count, [text, null]]);
            let entries: Vec<Value> = found.into_iter().map(entry).collect();
            return json!({"status": "ok", "history": entries});
        }
        let entry =
            |(count, text): &(usize, String)| HistoryEntry::Input(SESSION, *count, text.clone());
        let entries = found.into_iter().map(entry).collect();
        serde_json::to_value(HistoryReply::new(entries)).unwrap_or(Value::Null)
    }

    /// Cells whose count is in `start..stop`; session 0 is this one, negative ones are earlier.
    fn range(&self, session: i64, start: i64, stop: Option<i64>) -> Vec<&(usize, String)> {
        if session != 0 && session != SESSION as i64 {
            return Vec::new();
        }
        let stop = stop.unwrap_or(i64::MAX);
        self.cells
            .iter()
            .filter(|(count, _)| (start..stop).contains(&(*count as i64)))
            .collect()
    }

    /// Cells that match a glob; with `unique`, the latest of equal texts only.
    fn search(&self, pattern: &str, unique: bool) -> Vec<&(usize, String)> {
        let pattern: Vec<char> = pattern.chars().collect();
        let mut seen = HashSet::new();
        let mut found: Vec<_> = self
            .cells
            .iter()
            .rev()
            .filter(|(_, text)| matches_glob(&pattern, text))
            .filter(|(_, text)| !unique || seen.insert(text))
            .collect();
        found.reverse();
        found
    }
}

/// Whether `text` matches `*` and `?`, in time proportional to the product of the lengths.
fn matches_glob(pattern: &[char], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut place) = (0, 0);
    // Where to go on after the last `*`, should what follows it not match.
    let mut retry = None;
    while place < text.len() {
        match pattern.get(at) {
            Some('*') => {
                retry = Some((at, place));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[place] => {
                at += 1;
                place += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    (at, place) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(request: Value) -> Vec<String> {
        let mut history = History::default();
        for (index, text) in ["a = 1", "b = 2", "a = 1", "c = 3"].iter().enumerate() {
            history.add(index + 1, text);
        }
        let answer = history.answer(&request);
        assert_eq!(answer["status"], "ok");
        let entry = |entry: &Value| format!("{} {}", entry[1], entry[2]);
        answer["history"]
            .as_array()
            .unwrap()
            .iter()
            .map(entry)
            .collect()
    }

    #[test]
    fn tail_range_and_search_answer_what_was_asked() {
        let all = ["1 \"a = 1\"", "2 \"b = 2\"", "3 \"a = 1\"", "4 \"c = 3\""];
        assert_eq!(texts(json!({"hist_access_type": "tail", "n": 2})), all[2..]);
        assert_eq!(texts(json!({})), all);
        let range = |session, start, stop| {
            texts(
                json!({"hist_access_type": "range", "session": session, "start": start, "stop": stop}),
            )
        };
        assert_eq!(range(0, 2, 4), all[1..3]);
        assert_eq!(range(0, 1, 100), all);
        assert!(range(-1, 0, 9).is_empty());
        let search = |pattern, unique, n| {
            texts(
                json!({"hist_access_type": "search", "pattern": pattern, "unique": unique, "n": n}),
            )
        };
        assert_eq!(search("a*", false, 9), [all[0], all[2]]);
        assert_eq!(search("a*", true, 9), [all[2]]);
        assert_eq!(search("? = *", false, 1), [all[3]]);
        assert!(search("a", false, 9).is_empty());
    }

    #[test]
    fn output_is_null_because_none_is_kept() {
        assert_eq!(
            texts(json!({"hist_access_type": "tail", "n": 1, "output": true})),
            ["4 [\"c = 3\",null]"]
        );
    }

    #[test]
    fn globs_do_not_explode() {
        let pattern: Vec<char> = "*a".repeat(30).chars().chain(['b']).collect();
        assert!(!matches_glob(&pattern, &"a".repeat(2000)));
        assert!(matches_glob(&['*', 'b', '?'], "abbc"));
    }
}
