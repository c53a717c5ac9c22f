//! Where the value of a key comes from: the cell itself, the experiment it builds on, cells of defaults.
//!
//! Each layer is a text of its own with a [`Reader`] of its own, since places refer to a text. Only
//! problems of the cell itself have a place in it; those of the others are told without one. To add a
//! layer: its row in [`Source::new`], in the order in which layers are asked.

use super::Session;
use super::reader::{Axis, Item, Reader};
use crate::diagnostic::Diagnostic;
use crate::experiment::Origin;
use toml::Spanned;
use toml::de::DeTable;

/// Keys that say what runs: a cell that has one of them takes none of the others from elsewhere.
pub const WORKLOADS: &[&str] = &["task", "cases", "mix", "stages"];
/// Keys that a cell doesn't take over from the experiment that it builds on: they are about that answer.
const OWN: &[&str] = &["title", "name", "base", "save", "check", "predict"];

/// Texts in the order in which they are asked for a key.
#[derive(Debug)]
pub struct Texts {
    /// What `base` names, itself and what it builds on, nearest first.
    pub bases: Vec<String>,
    /// The session's defaults, as a cell.
    pub defaults: String,
}

impl Texts {
    /// Those behind a cell whose `base` says `base`.
    pub fn new(session: &Session, base: Option<&str>) -> Self {
        let bases = base.and_then(|name| session.find(name));
        Texts {
            bases: bases
                .map(|earlier| earlier.texts.clone())
                .unwrap_or_default(),
            defaults: session.defaults.text(),
        }
    }

    /// Their tables; they were read without problems when their cells ran.
    pub fn tables(&self) -> Vec<Spanned<DeTable<'_>>> {
        self.bases
            .iter()
            .chain([&self.defaults])
            .map(|text| DeTable::parse_recoverable(text).0)
            .collect()
    }
}

/// One text with its keys.
struct Layer<'a> {
    origin: Origin,
    text: &'a str,
    table: &'a DeTable<'a>,
}

/// The layers of one cell.
pub struct Source<'a> {
    layers: Vec<Layer<'a>>,
}

/// Number of a layer.
pub type LayerId = usize;

impl<'a> Source<'a> {
    /// The cell's own text and table above those of `texts`, whose tables are `tables`.
    pub fn new(
        text: &'a str,
        table: &'a DeTable<'a>,
        texts: &'a Texts,
        tables: &'a [Spanned<DeTable<'a>>],
    ) -> Self {
        let mut layers = vec![Layer {
            origin: Origin::Cell,
            text,
            table,
        }];
        let origins = texts.bases.iter().map(|text| (Origin::Base, text));
        let below = origins.chain([(Origin::Defaults, &texts.defaults)]);
        for ((origin, text), table) in below.zip(tables) {
            layers.push(Layer {
                origin,
                text,
                table: table.get_ref(),
            });
        }
        Source { layers }
    }

    /// A single text.
    pub fn single(text: &'a str, table: &'a DeTable<'a>) -> Self {
        Source {
            layers: vec![Layer {
                origin: Origin::Cell,
                text,
                table,
            }],
        }
    }

    /// A key's value and the layer that it stands in.
    pub fn get(&self, key: &str) -> Option<(&'a Item<'a>, LayerId)> {
        let inherited = |layer: &Layer| match layer.origin {
            Origin::Base => !OWN.contains(&key),
            _ => true,
        };
        let mut layers = self.layers.iter().enumerate();
        if WORKLOADS.contains(&key) {
            let has = |layer: &Layer| WORKLOADS.iter().any(|key| layer.table.contains_key(*key));
            let (id, layer) = layers.find(|(_, layer)| has(layer))?;
            return Some((layer.table.get(key)?, id));
        }
        layers
            .filter(|(_, layer)| inherited(layer))
            .find_map(|(id, layer)| Some((layer.table.get(key)?, id)))
    }

    /// Where a layer's values come from.
    pub fn origin(&self, layer: LayerId) -> Origin {
        self.layers[layer].origin
    }

    /// The text of a layer.
    pub fn layer_text(&self, layer: LayerId) -> &'a str {
        self.layers[layer].text
    }

    /// A reader for each layer, for the point that `choice` says; axes are numbered layer by layer, and
    /// `axes` says how many each layer has.
    pub fn readers(&self, axes: &[usize], choice: &[usize]) -> Readers<'a> {
        let mut rest = choice;
        let mut readers = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            let count = axes.get(number).copied().unwrap_or(0).min(rest.len());
            let (own, behind) = rest.split_at(count);
            rest = behind;
            readers.push(Reader::new(layer.text, own.to_vec()));
        }
        Readers {
            readers,
            origins: self.layers.iter().map(|layer| layer.origin).collect(),
        }
    }
}

/// A reader for each layer.
pub struct Readers<'a> {
    readers: Vec<Reader<'a>>,
    origins: Vec<Origin>,
}

impl<'a> Readers<'a> {
    /// The reader of a layer.
    pub fn of(&mut self, layer: LayerId) -> &mut Reader<'a> {
        &mut self.readers[layer]
    }

    /// The reader of the cell itself.
    pub fn cell(&mut self) -> &mut Reader<'a> {
        &mut self.readers[0]
    }

    /// Says of which steps so many at once are limited, whatever text they stand in.
    pub fn limit(&mut self, verbs: &[String]) {
        for reader in &mut self.readers {
            reader.limited = verbs.to_vec();
        }
    }

    /// All sweeps, layer by layer.
    pub fn axes(&self) -> Vec<Axis> {
        self.readers
            .iter()
            .flat_map(|reader| reader.axes.iter().cloned())
            .collect()
    }

    /// How many sweeps each layer has.
    pub fn axis_counts(&self) -> Vec<usize> {
        self.readers
            .iter()
            .map(|reader| reader.axes.len())
            .collect()
    }

    /// Lists of `each` met since the last call: their layer, length and place.
    pub fn take_each(&mut self) -> Vec<(LayerId, usize, crate::diagnostic::Span)> {
        let mut found = Vec::new();
        for (layer, reader) in self.readers.iter_mut().enumerate() {
            let lists = std::mem::take(&mut reader.each);
            found.extend(
                lists
                    .into_iter()
                    .map(|(length, span)| (layer, length, span)),
            );
        }
        found
    }

    /// All problems, those of other texts than the cell's at its beginning.
    pub fn problems(self) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for (reader, origin) in self.readers.into_iter().zip(self.origins) {
            let whose = match origin {
                Origin::Cell => {
                    problems.extend(reader.problems);
                    continue;
                }
                Origin::Base => "in the experiment that `base` names",
                _ => "in an earlier cell of defaults",
            };
            problems.extend(reader.problems.into_iter().map(|problem| Diagnostic {
                span: 0..0,
                message: format!("{whose}: {}", problem.message),
                ..problem
            }));
        }
        problems
    }
}
