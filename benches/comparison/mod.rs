//! How contenders are measured: in turn, alone, and fairly.

mod chart;
mod contender;
pub mod page;
pub mod rows;

use contender::Contender;
use rows::{Comparison, Series};
use tidings::load::{Plan, Report};

use crate::{
    load::{Lasting, median, run},
    server::Outcome,
};

/// What the hypervisor may take, in cores; a round in which it takes more is measured again.
const STEAL_MAX: f64 = 0.1;

/// Something that a run shows.
#[derive(Clone, Copy)]
pub struct Measure {
    pub name: &'static str,
    pub digits: usize,
    pub of: fn(&Report) -> f64,
}

/// One figure out of what each round has measured.
type Figure = dyn Fn(&Vec<Vec<f64>>, usize, usize) -> f64;

pub struct Bench {
    pub is_quick: bool,
    pub is_split: bool,
    pub token: String,
    pub runs: usize,
    pub lasting: Lasting,
}

/// Of each contender the median of each measure, and of its ratio to the first contender in the same round.
pub struct Compared {
    pub medians: Vec<Vec<f64>>,
    pub ratios: Vec<Vec<f64>>,
    /// Whether each round was without much steal.
    pub is_undisturbed: bool,
}

impl Bench {
    /// Measures all contenders in turn, round after round.
    ///
    /// # Errors
    /// If one does not start, or loses something.
    pub fn compare(&self, comparison: &Comparison) -> Outcome<Compared> {
        let Comparison { name, plan, servers, contenders, measures } = comparison;
        let mut rounds: Vec<Vec<Vec<f64>>> = Vec::new();
        let (mut tries, mut is_undisturbed) = (0, true);
        while rounds.len() < self.runs {
            let mut figures = vec![Vec::new(); contenders.len()];
            let mut steal = 0.0_f64;
            for turn in 0..contenders.len() {
                // Nobody is always the first.
                let place = (turn + tries) % contenders.len();
                eprintln!("{name}: {}", contenders[place].name());
                let report = self.measure(contenders[place], *servers, plan)?;
                steal = steal.max(report.steal);
                figures[place] = measures.iter().map(|measure| (measure.of)(&report)).collect();
            }
            tries += 1;
            if steal <= STEAL_MAX || tries >= 2 * self.runs {
                is_undisturbed &= steal <= STEAL_MAX;
                rounds.push(figures);
            }
        }
        let over_rounds = |figure: &Figure| {
            let of = |place, measure| median(rounds.iter().map(|round| figure(round, place, measure)));
            let places = 0..contenders.len();
            places.map(|place| (0..measures.len()).map(|measure| of(place, measure)).collect()).collect()
        };
        Ok(Compared {
            medians: over_rounds(&|round, place, measure| round[place][measure]),
            ratios: over_rounds(&|round, place, measure| round[place][measure] / round[0][measure]),
            is_undisturbed,
        })
    }

    /// Measures tidings at each size; the medians of each measure.
    ///
    /// # Errors
    /// If it does not start, or loses something.
    pub fn grow(&self, series: &Series) -> Outcome<Vec<Vec<f64>>> {
        let mut points = Vec::new();
        for (size, plan) in &series.points {
            eprintln!("{}: {size}", series.name);
            let reports: Vec<Report> =
                (0..self.runs).map(|_| self.measure(Contender::Tidings, 1, plan)).collect::<Outcome<_>>()?;
            let of = |measure: &Measure| median(reports.iter().map(measure.of));
            points.push(series.measures.iter().map(of).collect());
        }
        Ok(points)
    }

    fn measure(&self, contender: Contender, servers: usize, plan: &Plan) -> Outcome<Report> {
        let house = contender.start(self.is_split, servers)?;
        run(&house, &self.token, plan, self.lasting)
            .map_err(|error| format!("{}: {error}", contender.name()).into())
    }
}
