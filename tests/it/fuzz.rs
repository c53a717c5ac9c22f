//! Text and bytes that nobody would write: mutated cells for everything that reads a cell, mutated frames
//! for everything that reads the wire. Seeded, so that every run of a length tries the same.
//!
//! A failure prints its input. The long run: `CONCLAB_FUZZ_ROUNDS=1000000 cargo test --release fuzz`.
//! To widen it: a file in `corpus/`, or a piece in [`PIECES`].

use crate::kernel_client::{greeting, ready};
use conclab::catalog::{entries, words};
use conclab::diagnostic::{self, Span};
use conclab::kernel::Channel;
use conclab::kernel::wire::Key;
use conclab::kernel::zmtp::{Limits, Walk};
use conclab::program::{Code, Op, splitmix64};
use conclab::spec::{self, Cell, Defaults, Detail, Earlier, Session};
use serde_json::json;
use std::fs;
use std::path::Path;
use zeromq::ZmqMessage;

/// Longest text that is tried, in bytes: what goes wrong goes wrong in short texts too.
const LONGEST: usize = 4096;

/// What is put into texts beside the words of the language.
const PIECES: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "[[",
    "]]",
    "=",
    " = ",
    ",",
    ".",
    "..",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\\",
    "\\u12",
    "\\\"",
    "#",
    "\n",
    "\r\n",
    "\t",
    " ",
    "@",
    "(",
    ")",
    "<",
    ":",
    "-",
    "_",
    "%",
    "?",
    "0",
    "1",
    "8",
    "1e9",
    "-1",
    "0x",
    "+",
    "18446744073709551616",
    "9999999999999",
    "50",
    "50ms",
    "\"50ms\"",
    "\"1ms..9ms\"",
    "64KiB",
    "1.5",
    "inf",
    "nan",
    "true",
    "1979-05-27",
    "ü",
    "😀",
    "\u{301}",
    "\u{0}",
    "\u{feff}",
    "\u{a0}",
    "\u{2028}",
    "“",
    "线程",
    "{ each = [1, 2] }",
    "{ sweep = [1, 2] }",
    "{ total = 9 }",
    "[[mix]]\n",
    "[task]\n",
    "[cases.a]\n",
    "cases.a",
    "{ do = [",
    "] }",
    "times = ",
    "label = ",
    "repeat = 2\n",
    "tasks = 4\n",
    "task = ",
    "models = [",
];

fn rounds(usual: u64) -> u64 {
    let asked = std::env::var("CONCLAB_FUZZ_ROUNDS").ok();
    asked.map_or(usual, |rounds| {
        rounds.parse().expect("CONCLAB_FUZZ_ROUNDS is a number")
    })
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        splitmix64(self.0)
    }

    /// A number below `end`; 0 where that is 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Two places in `text`, in order, on boundaries and not far apart.
    fn range(&mut self, text: &str) -> Span {
        let start = self.place(text);
        let longest = [1, 4, 40, LONGEST][self.below(4)];
        let end = spec_floor(text, start + self.below(longest) + 1);
        start..end.max(start)
    }

    fn place(&mut self, text: &str) -> usize {
        let place = self.below(text.len() + 1);
        spec_floor(text, place)
    }
}

fn spec_floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Prints what was tried when the test fails.
struct Tried<'a>(&'a str, u64);

impl Drop for Tried<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("round {}: {:?}", self.1, self.0);
        }
    }
}

fn corpus() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/corpus");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut texts: Vec<String> = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    assert!(texts.len() > 10, "the corpus is there");
    texts.extend(
        entries()
            .map(|entry| entry.example())
            .filter(|example| !example.is_empty()),
    );
    texts
}

fn mutated(random: &mut Random, texts: &[String], pieces: &[&str]) -> String {
    let texts: Vec<&String> = texts.iter().collect();
    let mut text = random.pick(&texts).clone();
    for _ in 0..random.below(6) {
        let range = random.range(&text);
        match random.below(7) {
            0 => text.replace_range(range, ""),
            1 => text.insert_str(range.start, random.pick(pieces)),
            2 => text.replace_range(range, random.pick(pieces)),
            3 => {
                let copy = text[range].to_owned();
                let place = random.place(&text);
                text.insert_str(place, &copy);
            }
            4 => {
                let other = random.pick(&texts);
                let part = other[random.range(other)].to_owned();
                text.insert_str(range.start, &part);
            }
            5 => text.truncate(range.start),
            _ => text.insert_str(
                range.start,
                &random.pick(pieces).repeat(1 + random.below(300)),
            ),
        }
        text.truncate(spec_floor(&text, LONGEST));
    }
    text
}

fn assert_in(text: &str, span: &Span, what: &str) {
    let fits = span.start <= span.end && text.get(span.clone()).is_some();
    assert!(fits, "{what}: {span:?} of {} bytes", text.len());
}

/// Everything that reads a cell, on one text.
fn read_everywhere(text: &str, known: &Session, random: &mut Random) -> bool {
    let (cell, problems) = spec::read(text, known);
    assert_eq!(
        cell.is_some(),
        problems.is_empty(),
        "a cell or its problems"
    );
    for problem in &problems {
        assert_in(text, &problem.span, &problem.message);
        assert!(
            !problem.message.is_empty() && !problem.help.is_empty(),
            "{problem:?}"
        );
        assert!(problem.located(text).line >= 1);
    }
    let rendered = diagnostic::render(text, &problems);
    assert_eq!(rendered.is_empty(), problems.is_empty());
    assert!(rendered.matches("help: ").count() >= problems.len());
    if let Some(Cell::Experiment(experiment)) = &cell {
        assert!(!experiment.series.is_empty() && !experiment.points.is_empty());
        assert!(
            experiment
                .points
                .iter()
                .all(|point| point.program.tasks() > 0)
        );
        // A printed cell stands on its own, and reads as the same experiment.
        let printed = spec::print(experiment);
        let (again, problems) = spec::read(&printed, &Session::default());
        let Some(Cell::Experiment(mut again)) = again else {
            panic!("printed as\n{printed}\n{problems:?}");
        };
        // It stands in another line there.
        let mut experiment = experiment.clone();
        for point in experiment.points.iter_mut().chain(&mut again.points) {
            for op in point
                .program
                .groups
                .iter_mut()
                .flat_map(|group| &mut group.ops)
            {
                op.walk_mut(&mut |op| {
                    if let Op::Python {
                        code: Code::Text { line, .. },
                    } = op
                    {
                        *line = 0;
                    }
                });
            }
        }
        again.settings.clone_from(&experiment.settings);
        again.source = experiment.source.clone();
        assert_eq!(again, experiment, "printed as\n{printed}");
    }
    spec::is_complete(text);
    let mut cursor = random.below(4);
    // Beyond the end too, and inside characters.
    while cursor <= text.len() + 2 {
        let found = spec::complete(text, cursor, known);
        assert_in(text, &(found.start..found.end), "completion");
        let near = spec_floor(text, cursor);
        assert!(
            (found.start..=found.end).contains(&near),
            "{found:?} is at {near}"
        );
        for item in &found.items {
            assert!(
                !item.text.is_empty() && !item.text.contains('\n'),
                "{item:?}"
            );
        }
        if let Some(found) = spec::inspect(text, cursor, known, Detail::Here) {
            assert_in(text, &found.span, "inspection");
            assert!(!found.markdown.is_empty() && !found.plain.is_empty());
        }
        cursor += 1 + random.below(text.len() / 6 + 2);
    }
    problems.is_empty()
}

#[test]
fn fuzz_cells_of_any_kind_are_read_and_explained() {
    let texts = corpus();
    let pieces: Vec<&str> = PIECES.iter().copied().chain(words()).collect();
    let known = Session {
        earlier: ["first", "a \"name\""]
            .map(|name| Earlier {
                name: name.to_owned(),
                texts: vec!["task = { count = 5 }".to_owned()],
            })
            .to_vec(),
        defaults: Defaults {
            values: vec![("tasks".to_owned(), "3".to_owned())],
        },
        pythons: vec!["python3.11".to_owned()],
    };
    let mut random = Random(1);
    let (mut right, mut wrong) = (0, 0);
    for round in 0..rounds(1000) {
        let text = mutated(&mut random, &texts, &pieces);
        let _tried = Tried(&text, round);
        match read_everywhere(&text, &known, &mut random) {
            true => right += 1,
            false => wrong += 1,
        }
    }
    assert!(
        right > 0 && wrong > right / 20,
        "both kinds were tried: {right} and {wrong}"
    );
}

#[test]
fn fuzz_every_prefix_of_a_cell_is_helped() {
    for text in corpus() {
        let known = Session::default();
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let _tried = Tried(&text[..end], end as u64);
            let found = spec::complete(&text[..end], end, &known);
            assert_in(&text[..end], &(found.start..found.end), "completion");
            spec::inspect(&text[..end], end, &known, Detail::Everything);
        }
    }
}

/// What a client may send: greeting, READY, a few messages.
fn stream(random: &mut Random) -> Vec<u8> {
    let mut bytes = [greeting(), ready("DEALER", "")].concat();
    for _ in 0..random.below(5) {
        let length = random.below(300);
        let more = random.below(2) as u8;
        match u8::try_from(length) {
            Ok(length) => bytes.extend([more, length]),
            Err(_) => {
                bytes.push(more | 2);
                bytes.extend((length as u64).to_be_bytes());
            }
        }
        bytes.extend((0..length).map(|_| random.next() as u8));
    }
    bytes
}

fn mutate_bytes(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        match random.below(4) {
            _ if bytes.is_empty() => bytes.push(random.next() as u8),
            0 => bytes[at] = random.next() as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes.truncate(at),
            _ => bytes.insert(at, [0, 1, 2, 4, 255][random.below(5)]),
        }
    }
}

#[test]
fn fuzz_a_stream_is_judged_alike_however_it_is_cut() {
    let mut random = Random(2);
    let limits = Limits {
        message_bytes: 1 << 10,
        lifetime_bytes: u64::MAX,
    };
    let (mut right, mut wrong) = (0, 0);
    for _ in 0..rounds(20_000) {
        let mut bytes = stream(&mut random);
        mutate_bytes(&mut random, &mut bytes);
        let mut whole = Walk::new(limits);
        let verdict = whole.feed(&bytes);
        let mut cut = Walk::new(limits);
        let size = 1 + random.below(70);
        let in_pieces = bytes.chunks(size).try_for_each(|piece| cut.feed(piece));
        assert_eq!(verdict, in_pieces, "{bytes:?}");
        if verdict.is_ok() {
            let state = |walk: &Walk| (walk.is_ready(), walk.is_between_messages());
            assert_eq!(state(&whole), state(&cut), "{bytes:?}");
        }
        match verdict {
            Ok(()) => right += 1,
            Err(_) => wrong += 1,
        }
    }
    assert!(
        right > 0 && wrong > 0,
        "both kinds were tried: {right} and {wrong}"
    );
}

#[test]
fn fuzz_frames_are_read_or_dropped_and_no_changed_message_passes_for_signed() {
    let mut random = Random(3);
    let (mut read, mut dropped) = (0, 0);
    for round in 0..rounds(10_000) {
        let key = Key::new(["", "secret"][random.below(2)]);
        let is_signed = round % 2 == 0;
        let key = if is_signed { Key::new("secret") } else { key };
        let content = json!({"code": "tasks = 8", "cursor_pos": round}).to_string();
        let routing = [b"peer".to_vec()];
        let message = key.write(
            &routing,
            "complete_request",
            b"{}",
            &json!({}),
            content.into_bytes(),
        );
        let original: Vec<Vec<u8>> = message
            .into_vec()
            .iter()
            .map(|frame| frame.to_vec())
            .collect();
        let mut frames = original.clone();
        for _ in 0..random.below(3) {
            let at = random.below(frames.len());
            match random.below(6) {
                0 if frames.len() > 1 => drop(frames.remove(at)),
                1 => frames.insert(
                    at,
                    random
                        .pick(&["", "<IDS|MSG>", "{}", "\u{fffd}"])
                        .as_bytes()
                        .to_vec(),
                ),
                _ => mutate_bytes(&mut random, &mut frames[at]),
            }
        }
        let mut rest = frames.iter().cloned();
        let mut message = ZmqMessage::from(rest.next().unwrap());
        rest.for_each(|frame| message.push_back(frame.into()));
        match key.read(Channel::Shell, message) {
            Ok((origin, _)) => {
                read += 1;
                assert!(
                    serde_json::from_slice::<serde_json::Value>(&origin.header).is_ok(),
                    "{frames:?}"
                );
                // Header, parent, metadata and content: what a signature covers.
                let at = frames
                    .iter()
                    .position(|frame| frame == b"<IDS|MSG>")
                    .unwrap();
                let covered = &frames[at + 2..at + 6];
                assert!(
                    !is_signed || covered.concat() == original[3..7].concat(),
                    "{frames:?}"
                );
            }
            Err(why) => {
                dropped += 1;
                assert!(!why.is_empty());
            }
        }
    }
    assert!(
        read > 0 && dropped > 0,
        "both kinds were tried: {read} and {dropped}"
    );
}
