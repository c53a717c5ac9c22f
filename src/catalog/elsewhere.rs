//! Words of other languages and libraries, and what they are called here.
//!
//! To add one: a row in [`ALSO_CALLED`], lower case and without `-`, `_` and blanks.

/// A word elsewhere, and the word of this language.
const ALSO_CALLED: &[(&str, &str)] = &[
    // Models.
    ("threading", "threads"),
    ("multithreading", "threads"),
    ("thread", "threads"),
    ("threadpool", "thread-pool"),
    ("threadpoolexecutor", "thread-pool"),
    ("rayon", "thread-pool"),
    ("multiprocessing", "processes"),
    ("process", "processes"),
    ("fork", "processes"),
    ("pool", "process-pool"),
    ("processpool", "process-pool"),
    ("processpoolexecutor", "process-pool"),
    ("asyncio", "async"),
    ("await", "async"),
    ("coroutine", "async"),
    ("coroutines", "async"),
    ("eventloop", "async"),
    ("tokio", "async-threads"),
    ("workstealing", "async-threads"),
    ("runinexecutor", "hybrid"),
    ("serial", "sequential"),
    ("single", "sequential"),
    ("none", "sequential"),
    // Runtimes.
    ("rust", "native"),
    ("cpython", "python"),
    ("globalinterpreterlock", "gil"),
    // Steps.
    ("wait", "sleep"),
    ("time.sleep", "sleep"),
    ("asyncio.sleep", "sleep"),
    ("request", "http"),
    ("requests", "http"),
    ("urlopen", "http"),
    ("aiohttp", "http"),
    ("compute", "cpu"),
    ("bytearray", "alloc"),
    ("malloc", "alloc"),
    // Keys.
    ("njobs", "workers"),
    ("maxworkers", "workers"),
    ("cores", "workers"),
    ("repeats", "repeat"),
    ("runs", "repeat"),
    ("iterations", "repeat"),
    ("figure", "plot"),
    ("plots", "plot"),
    ("export", "save"),
    ("trace", "save"),
    ("traces", "save"),
    ("trace.json", "save"),
    ("perfetto", "save"),
    ("chrome", "save"),
    ("chrometrace", "save"),
    ("timelimit", "budget"),
    ("timeout", "trial_timeout"),
    // Figures.
    ("gantt", "timeline"),
    ("tracing", "timeline"),
    // Metrics.
    ("time", "wall"),
    ("elapsed", "wall"),
    ("ram", "memory"),
    ("rss", "memory"),
    ("pss", "memory"),
    ("contextswitches", "switches"),
];

/// What `word` is called in this language, where it is a word of another one.
pub fn also_called(word: &str) -> Option<&'static str> {
    let folded = word.trim().to_lowercase().replace(['-', '_', ' '], "");
    let row = ALSO_CALLED.iter().find(|(other, _)| *other == folded);
    row.map(|(_, here)| *here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_elsewhere_lead_to_words_that_have_help() {
        for (other, here) in ALSO_CALLED {
            assert!(
                crate::catalog::entries().any(|entry| entry.name() == *here),
                "{here}"
            );
            assert_eq!(
                also_called(other),
                Some(*here),
                "{other} is written as it is looked up"
            );
        }
        assert_eq!(also_called("Thread Pool"), Some("thread-pool"));
        assert_eq!(also_called("threads"), None);
    }
}
