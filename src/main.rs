//! The executable: hands over to [`conclab::cli`].

fn main() {}
