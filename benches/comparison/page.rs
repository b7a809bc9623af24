//! What was measured, as a page in Markdown with a plot beside each table.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use tidings::load::machine;

use super::{
    Bench, Compared, Measure, chart,
    rows::{Comparison, Series, sessions_max},
};
use crate::server::Outcome;

pub struct Page {
    folder: PathBuf,
    text: String,
}

impl Page {
    /// Begins with the machine and how it was measured.
    ///
    /// # Errors
    /// If there is no such folder to be had.
    pub fn begin(bench: &Bench, folder: &str) -> Outcome<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        fs::create_dir_all(&folder)?;
        let pinned = if bench.is_split {
            "servers pinned to core 0, the generator to core 1"
        } else {
            "nothing is pinned (that takes taskset and two cores)"
        };
        let warning = if bench.is_quick {
            "**A quick run with a tenth of the clients, to see that all works: these figures mean nothing.**\n\n"
        } else {
            ""
        };
        let text = format!(
            "# tidings beside its peers\n\n{warning}Made by `make peers`; [performance.md](../performance.md) says how it is \
             measured, and what the columns mean.\n\n{}; {pinned}; {} × {:?} a row, medians.\n\
             A ratio is that to the first row, the median of those of each round.\n\
             A server has at most {} sessions here, by the limit on open files.\n",
            machine::description(),
            bench.runs,
            bench.lasting.measured,
            sessions_max()
        );
        Ok(Self { folder, text })
    }

    /// # Errors
    /// If the plot cannot be written.
    pub fn compare(&mut self, comparison: &Comparison, compared: &Compared) -> Outcome<()> {
        let Comparison { name, contenders, measures, .. } = comparison;
        self.head(name, "server", measures, &[&format!("ratio of {}", measures[0].name)])?;
        let mut bars = Vec::new();
        for (place, contender) in contenders.iter().enumerate() {
            let ratio = format!("{:.2}", compared.ratios[place][0]);
            self.row(contender.name(), measures, &compared.medians[place], &[&ratio])?;
            bars.push((contender.name(), compared.medians[place][0]));
        }
        if !compared.is_undisturbed {
            writeln!(self.text, "\nThe hypervisor took more than a tenth of a core in some rounds.")?;
        }
        let plot = chart::bars(&format!("{name}: {}", measures[0].name), &bars);
        self.plot(name, &plot)
    }

    /// # Errors
    /// If the plot cannot be written.
    pub fn grow(&mut self, series: &Series, points: &[Vec<f64>]) -> Outcome<()> {
        let Series { name, size, points: sizes, measures } = series;
        self.head(name, size, measures, &[])?;
        let mut line = Vec::new();
        for ((size, _), figures) in sizes.iter().zip(points) {
            self.row(&size.to_string(), measures, figures, &[])?;
            line.push((*size as f64, figures[0]));
        }
        let plot = chart::line(&format!("{}, by {size}", measures[0].name), &line);
        self.plot(name, &plot)
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.join("peers.md")
    }

    fn head(&mut self, name: &str, first: &str, measures: &[Measure], more: &[&str]) -> Outcome<()> {
        let columns: Vec<&str> =
            measures.iter().map(|measure| measure.name).chain(more.iter().copied()).collect();
        writeln!(self.text, "\n## {name}\n\n| {first} | {} |", columns.join(" | "))?;
        writeln!(self.text, "|---|{}", "---|".repeat(columns.len()))?;
        Ok(())
    }

    fn row(&mut self, first: &str, measures: &[Measure], figures: &[f64], more: &[&str]) -> Outcome<()> {
        let cells =
            measures.iter().zip(figures).map(|(measure, figure)| format!("{figure:.*}", measure.digits));
        let cells: Vec<String> = cells.chain(more.iter().map(|cell| (*cell).to_owned())).collect();
        writeln!(self.text, "| {first} | {} |", cells.join(" | "))?;
        Ok(())
    }

    /// Writes a plot beside the page, and shows it there.
    fn plot(&mut self, name: &str, svg: &str) -> Outcome<()> {
        let words = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), " ");
        let file = format!("{}.svg", words.split_whitespace().collect::<Vec<_>>().join("-"));
        fs::write(self.folder.join(&file), svg)?;
        writeln!(self.text, "\n![{name}]({file})")?;
        // As far as it is: who ends the benchmark has what was measured.
        Ok(fs::write(self.path(), &self.text)?)
    }
}
