//! Claims, right and wrong, and what is made of each.

use super::*;

/// The claim, its fault marked with `^`, and what it says: as `claim | marks | message | help`.
#[test]
fn wrong_claims_are_told_where_and_what_to_write() {
    for (claim, marks, message, help) in [
        (
            "",
            "^",
            "the claim ends where something to measure belongs",
            "write wall(",
        ),
        (
            "wall",
            "^^^^",
            "`wall` alone can't be measured",
            "wall(threads)",
        ),
        (
            "fastets == async",
            "^^^^^^^",
            "alone can't",
            "did you mean fastest == async?",
        ),
        (
            "fastest = async",
            "        ^",
            "`==` belongs here",
            "fastest == async",
        ),
        (
            "wall(",
            "     ^",
            "ends where a series belongs",
            "wall(threads)",
        ),
        (
            "wall(threads",
            "            ^",
            "ends where `)` belongs",
            "close the",
        ),
        (
            "wall(pool of 4) < 1s",
            "          ^^",
            "`)` belongs here",
            "wall('pool of 4')",
        ),
        ("wall(4x) < 1s", "     ^^", "a series belongs here", "'4x'"),
        (
            "wall(threads)",
            "             ^",
            "a comparison belongs",
            "`<`",
        ),
        (
            "wall(threads) = 1s",
            "              ^",
            "a comparison",
            "did you mean `==`?",
        ),
        (
            "wall(threads) => 1s",
            "              ^",
            "a comparison",
            "did you mean `>=`?",
        ),
        (
            "wall(threads) ≤ 1s",
            "              ^",
            "no meaning",
            "write <=",
        ),
        (
            "wall(threads) < fast",
            "                ^^^^",
            "neither a number nor",
            "1s",
        ),
        (
            "wall(threads) < '1s'",
            "                ^^^^",
            "without quotes",
            "write 1s",
        ),
        (
            "wall(threads) < 5sec",
            "                ^^^^",
            "`sec` is no unit",
            "ms",
        ),
        (
            "wall(threads) < 1.5 s",
            "                ^^^^^",
            "stand together",
            "write 1.5s",
        ),
        (
            "wall(a) < 2 wall(b)",
            "            ^^^^",
            "`*` belongs here",
            "2 * wall(b)",
        ),
        (
            "wall(a) < wall(b) * 2",
            "                  ^",
            "before its metric",
            "0.7 *",
        ),
        (
            "wall(a) < 2s * wall(b)",
            "          ^^",
            "without a unit",
            "0.7 *",
        ),
        (
            "0.5s > wall(a)",
            "^^^^",
            "begins with what is measured",
            "wall(a) < 0.5s",
        ),
        (
            "wall(a, x == 1) < 1s",
            "          ^^",
            "`=` belongs here",
            "one `=`",
        ),
        ("wall(a b = 1) < 1s", "       ^", "`,` or `)`", "comma"),
        (
            "wall(a) < 1s whne x == 1",
            "             ^^^^",
            "`when` or the end",
            "`when`?",
        ),
        (
            "wall(a) < 1s and wall(b) < 1s",
            "             ^^^",
            "`when` or the end",
            "of its own",
        ),
        (
            "wall(a) < 1s when x",
            "                   ^",
            "a comparison belongs",
            "`<`",
        ),
        (
            "wall(a) < 1s when x == 1, y == 2",
            "                        ^",
            "`and`",
            "by `and`",
        ),
        ("wall(\"a) < 1s", "     ^^^^^^^^", "not closed", "put a \""),
        (
            "speedup(a) > 1.5×",
            "             ^^^^",
            "`×` is no unit",
            "write 1.5",
        ),
    ] {
        let problem = parse(claim).expect_err(claim);
        let column = claim[..problem.span.start].chars().count();
        let width = claim[problem.span.clone()].chars().count().max(1);
        let got = format!("{}{}", " ".repeat(column), "^".repeat(width));
        assert_eq!(got, marks, "{claim}: {problem:?}");
        assert!(problem.message.contains(message), "{claim}: {problem:?}");
        assert!(problem.help.contains(help), "{claim}: {problem:?}");
    }
}

#[test]
fn claims_are_read_whole() {
    let written = parse(
        "wall(thread-pool, sync = mutex) <= 0.7 * p95(\"pool of 4\", group = 'I/O') \
             when tasks >= 1_000 and case == \"a and b\"",
    )
    .unwrap();
    let Assertion::Compare {
        left,
        operator,
        right: Side::Term { factor, term },
    } = written.assertion
    else {
        panic!("a comparison of two terms")
    };
    assert_eq!(
        (left.metric.text.as_str(), left.series.text.as_str()),
        ("wall", "thread-pool")
    );
    assert_eq!((operator, factor), (Operator::AtMost, 0.7));
    assert_eq!(term.series.text, "pool of 4");
    assert_eq!(term.filters[0].1.text, "I/O");
    let when: Vec<(&str, Operator, &str)> = written
        .when
        .iter()
        .map(|c| (c.key.text.as_str(), c.operator, c.value.text.as_str()))
        .collect();
    assert_eq!(
        when,
        [
            ("tasks", Operator::AtLeast, "1_000"),
            ("case", Operator::Equal, "a and b")
        ]
    );
    let constant = |claim: &str| match parse(claim).unwrap().assertion {
        Assertion::Compare {
            right: Side::Number(number),
            ..
        } => number.value,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        constant("wall(threads@gil) < 1.5s"),
        Constant::Duration(1_500_000_000)
    );
    assert_eq!(constant("memory(a)<64MiB"), Constant::Size(64 << 20));
    assert_eq!(constant("lost(a) == 1_000"), Constant::Plain(1000.0));
    assert!(parse("fastest == \"pool of 4\" when limits.query == 5").is_ok());
}

#[test]
fn no_text_makes_it_panic_and_every_problem_is_placed_and_helped() {
    let pieces = [
        "wall",
        "(",
        ")",
        "threads",
        "\"",
        "'",
        "==",
        "=",
        "<",
        "when",
        "and",
        "fastest",
        "1",
        "1.5s",
        "*",
        ",",
        " ",
        "é",
        "\u{1f600}",
        "\n",
        "1e99",
        "-",
        "½",
        "9999999999999999h",
        "µs",
    ];
    let mut state = 7u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..9 {
            state = crate::program::splitmix64(state);
            text.push_str(pieces[(state % pieces.len() as u64) as usize]);
        }
        if let Err(problem) = parse(&text) {
            let inside = text.get(problem.span.clone());
            assert!(inside.is_some(), "{text:?}: {problem:?}");
            assert!(
                !problem.message.is_empty() && !problem.help.is_empty(),
                "{text:?}"
            );
        }
    }
}
