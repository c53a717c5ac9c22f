//! Help while typing, as Jupyter's messages have it: cursors count Unicode code points, `spec` counts bytes.

use crate::spec::{self, Detail, Session};
use serde_json::{Value, json};

/// Answers a `complete_request`.
pub fn complete(request: &Value, known: &Session) -> Value {
    let (code, cursor) = code_and_cursor(request);
    let found = spec::complete(code, cursor, known);
    let (start, end) = (points(code, found.start), points(code, found.end));
    let matches: Vec<&str> = found.items.iter().map(|item| item.text.as_str()).collect();
    // What Lab and the console read beyond the specification: an entry for each match, in the same order.
    let entries = found.items.iter().map(|item| {
        json!({
            "start": start,
            "end": end,
            "text": item.text,
            "type": item.kind,
            "signature": item.detail,
        })
    });
    let entries: Vec<Value> = entries.collect();
    json!({
        "status": "ok",
        "matches": matches,
        "cursor_start": start,
        "cursor_end": end,
        "metadata": {"_jupyter_types_experimental": entries},
    })
}

/// Answers an `inspect_request`.
pub fn inspect(request: &Value, known: &Session) -> Value {
    let (code, cursor) = code_and_cursor(request);
    let detail = match request["detail_level"].as_u64() {
        None | Some(0) => Detail::Here,
        Some(_) => Detail::Everything,
    };
    let found = spec::inspect(code, cursor, known, detail);
    let data = found.as_ref().map_or(
        json!({}),
        |found| json!({"text/markdown": found.markdown, "text/plain": found.plain}),
    );
    json!({"status": "ok", "found": found.is_some(), "data": data, "metadata": {}})
}

/// The code and the cursor in bytes; at the end where the request doesn't say.
fn code_and_cursor(request: &Value) -> (&str, usize) {
    let code = request["code"].as_str().unwrap_or("");
    // Nobody types that much, and everyone else would wait meanwhile.
    let code = if code.len() > spec::MOST_BYTES {
        ""
    } else {
        code
    };
    let cursor = request["cursor_pos"].as_u64().unwrap_or(u64::MAX);
    (code, bytes(code, cursor))
}

/// The byte at which the code point of that number begins; the end where there are fewer.
fn bytes(code: &str, points: u64) -> usize {
    let nth = usize::try_from(points)
        .ok()
        .and_then(|points| code.char_indices().nth(points));
    nth.map_or(code.len(), |(at, _)| at)
}

/// Code points before that byte.
fn points(code: &str, bytes: usize) -> usize {
    code[..bytes].chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_count_code_points() {
        let code = "# \u{1f600} ü\nta";
        let reply = complete(&json!({"code": code, "cursor_pos": 8}), &Session::default());
        assert_eq!(
            (&reply["cursor_start"], &reply["cursor_end"]),
            (&json!(6), &json!(8))
        );
        assert_eq!(reply["matches"], json!(["task = ", "tasks = "]));
        let entry = &reply["metadata"]["_jupyter_types_experimental"][1];
        assert_eq!(
            (&entry["text"], &entry["type"], &entry["start"]),
            (&json!("tasks = "), &json!("key"), &json!(6))
        );
    }

    #[test]
    fn requests_that_leave_things_out_are_answered() {
        for request in [
            json!({}),
            json!({"code": 7, "cursor_pos": -1}),
            json!({"code": "t", "cursor_pos": 1e9}),
        ] {
            assert_eq!(complete(&request, &Session::default())["status"], "ok");
            assert_eq!(inspect(&request, &Session::default())["status"], "ok");
        }
        let reply = inspect(&json!({"code": "tasks = 1"}), &Session::default());
        assert_eq!(reply["found"], true);
        let reply = inspect(
            &json!({"code": "tasks = 1", "cursor_pos": 2, "detail_level": 1}),
            &Session::default(),
        );
        assert!(
            reply["data"]["text/markdown"]
                .as_str()
                .unwrap()
                .starts_with("**tasks**")
        );
    }
}
