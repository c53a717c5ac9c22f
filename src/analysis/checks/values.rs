//! What was measured, as claims ask for it: one value for each run, or each reading.
//!
//! To add a metric: a line in [`Measured::values`].

use super::is_failure;
use crate::analysis::{FEW_SAMPLES, Row, Traced};
use crate::claim::Reading;
use crate::experiment::Experiment;
use crate::model::Tally;
use crate::plan::{self, RowId};
use crate::trial::{Kind, Measurement, MemorySource, Record};
use std::collections::{BTreeMap, HashMap};

/// What was measured of a reading.
pub struct Values<'a> {
    pub row: &'a Row,
    /// By block; memory by number of the reading.
    pub by_block: BTreeMap<u32, f64>,
    /// Whether the truth may be larger.
    pub is_lower_bound: bool,
    /// Runs that ended without a measurement, and how.
    pub ended: Vec<&'a Record>,
}

impl Values<'_> {
    pub fn list(&self) -> Vec<f64> {
        self.by_block.values().copied().collect()
    }
}

/// What the traced run of a row tells; nothing where there was none, or where it doesn't tell that.
fn traced(row: &Row, read: fn(&Traced) -> Option<u64>) -> Vec<f64> {
    let told = row.traced.as_ref().and_then(read);
    told.map(|ns| ns as f64).into_iter().collect()
}

/// An experiment with its records and rows at hand.
pub struct Measured<'a> {
    pub experiment: &'a Experiment,
    pub records: HashMap<RowId, Vec<&'a Record>>,
    pub rows: HashMap<RowId, &'a Row>,
}

impl<'a> Measured<'a> {
    pub fn of(experiment: &'a Experiment, records: &'a [Record], rows: &'a [Row]) -> Self {
        let mut of: HashMap<RowId, Vec<&Record>> = HashMap::new();
        for record in records {
            let id = RowId {
                series: record.series,
                point: record.point,
            };
            of.entry(id).or_default().push(record);
        }
        Measured {
            experiment,
            records: of,
            rows: plan::rows(experiment).into_iter().zip(rows).collect(),
        }
    }

    pub fn of_kind(&self, id: RowId, kind: Kind) -> impl Iterator<Item = &'a Record> {
        let all = self.records.get(&id).map(Vec::as_slice).unwrap_or_default();
        all.iter()
            .copied()
            .filter(move |record| record.kind == kind)
    }

    /// One value for each timed run.
    pub fn timed(
        &self,
        id: RowId,
        read: impl Fn(&Measurement) -> Option<f64>,
    ) -> BTreeMap<u32, f64> {
        self.of_kind(id, Kind::Timed)
            .filter_map(|record| Some((record.block, read(record.measurement.as_ref()?)?)))
            .collect()
    }

    pub fn walls(&self, id: RowId) -> BTreeMap<u32, f64> {
        self.timed(id, |m| Some(m.reply.wall_ns as f64))
    }

    /// Speedups over sequential of the same runtime, by block.
    fn speedups(&self, id: RowId, share: impl Fn(&Measurement) -> f64) -> BTreeMap<u32, f64> {
        let series = &self.experiment.series[id.series];
        let base = self.walls(RowId {
            series: self.experiment.baseline(series),
            point: id.point,
        });
        let own = self.timed(id, |m| Some(m.reply.wall_ns as f64 * share(m)));
        own.iter()
            .filter(|(_, own)| **own > 0.0)
            .filter_map(|(block, own)| Some((*block, base.get(block)? / own)))
            .collect()
    }

    /// What a reading's row measured; no values where it has none.
    pub fn values(&self, reading: &Reading) -> Option<Values<'a>> {
        let id = RowId {
            series: reading.series,
            point: reading.point,
        };
        let row = *self.rows.get(&id)?;
        let tally = |read: fn(&Tally) -> u64| self.timed(id, |m| Some(read(&m.reply.tally) as f64));
        let numbered = |values: Vec<f64>| (0u32..).zip(values).collect::<BTreeMap<u32, f64>>();
        let group = row.groups.iter().find(|group| {
            let wanted = reading.group.as_ref();
            wanted.is_none_or(|name| *name == group.name)
        });
        let latency = group.and_then(|group| group.latency_ns.as_ref());
        let by_block = match reading.metric.name {
            "wall" => self.walls(id),
            "cpu" => self.timed(id, |m| Some(m.cpu_ns() as f64)),
            "memory" => numbered(
                self.of_kind(id, Kind::Sampled)
                    .filter_map(|record| record.measurement.as_ref()?.memory)
                    .map(|memory| memory.peak_bytes as f64)
                    .collect(),
            ),
            "speedup" => self.speedups(id, |_| 1.0),
            "efficiency" => self.speedups(id, |m| f64::from(m.reply.tally.workers.max(1))),
            "throughput" => self.timed(id, |m| {
                let seconds = m.reply.wall_ns as f64 / 1e9;
                (seconds > 0.0).then(|| m.reply.tally.succeeded as f64 / seconds)
            }),
            "latency" => numbered(latency.map(|latency| latency.median).into_iter().collect()),
            "p95" => numbered(latency.map(|latency| latency.p95).into_iter().collect()),
            "succeeded" => tally(|tally| tally.succeeded),
            "failed" => tally(|tally| tally.failed),
            "timed_out" => tally(|tally| tally.timed_out),
            "cancelled" => tally(|tally| tally.cancelled),
            "lost" => numbered(
                row.lost
                    .as_ref()
                    .map_or(Vec::new(), |lost| lost.samples.clone()),
            ),
            "switches" => self.timed(id, |m| {
                Some((m.reply.voluntary_switches + m.reply.involuntary_switches) as f64)
            }),
            "lag" => numbered(traced(row, |traced| traced.longest_lag_ns)),
            "lock_wait" => numbered(traced(row, |traced| traced.lock_wait_ns)),
            "gil_wait" => numbered(traced(row, |traced| traced.gil_wait_ns)),
            "start_up" => numbered(traced(row, |traced| traced.start_up_ns)),
            _ => BTreeMap::new(),
        };
        let ended = self
            .of_kind(id, Kind::Timed)
            .filter(|record| record.measurement.is_none() && is_failure(record.outcome));
        Some(Values {
            row,
            by_block,
            is_lower_bound: match reading.metric.name {
                "memory" => {
                    row.memory_source != Some(MemorySource::HighWater)
                        && row.memory_samples < FEW_SAMPLES
                }
                // The author's own locks are not seen.
                "lock_wait" => self.experiment.points[id.point].program.uses_python(),
                _ => false,
            },
            ended: ended.collect(),
        })
    }
}
