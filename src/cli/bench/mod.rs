//! `tidings bench`: a load on a server, and what it shows.
//!
//! What is connected, published and counted is in [`crate::load`]; here is what a person asks for, and is told.

mod follow;
mod guard;
mod options;
mod plot;
mod table;
mod words;

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    Failure, Settings,
    output::{Form, say},
    server::{ServerArgs, TokenArgs},
};
use crate::{
    config::{Config, parse_duration},
    domain::Invalid,
    load::{Lasting, machine},
};
use options::Options;

#[derive(Args)]
pub struct Bench {
    #[command(flatten)]
    options: Options,
    /// How long it is measured, such as 10s: from 100ms to 24h
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = parse_measured)]
    duration: Duration,
    /// How long it works before it is measured
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = parse_warm_up)]
    warm_up: Duration,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    token: TokenArgs,
    /// Load a server that is not on this machine; you say that it is yours to load
    #[arg(long)]
    yes_load_this_host: bool,
    /// Believe this authority too (PEM), where the server is reached by https
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// A process of the server on this machine, to see its memory and processor time; as often as needed [default: whoever listens there]
    #[arg(long = "pid", value_name = "PID")]
    processes: Vec<u32>,
    #[command(flatten)]
    form: Form,
}

impl Bench {
    pub fn run(self, settings: &Settings) -> Result<(), Failure> {
        let plan = self.options.plan()?;
        let resolved = Config::read_for_client(&settings.sources())?;
        let base = self.server.base(&resolved.config)?;
        let place = guard::place(&base, self.yes_load_this_host)?;
        let credential = self.token.credential(resolved)?;
        let lasting = Lasting { warm_up: self.warm_up, measured: self.duration };
        let passport = self.options.passport(&credential, self.duration + self.warm_up)?;
        let target = place.target(passport, self.processes, self.cacert.as_deref())?;
        machine::raise_open_files();
        let report = follow::run(&target, &plan, lasting, !self.form.quiet)?;
        let table = table::table(&self.options, &base, &report);
        let json = words::json(&self.options, &base, &report);
        self.form.print(&table, &words::rate(&report), &json)?;
        for (fault, _) in report.faults.iter() {
            words::hint(fault).into_iter().for_each(|hint| say(&format!("{fault}: {hint}")));
        }
        if report.is_whole() {
            return Ok(());
        }
        let errors: u64 = report.faults.iter().map(|(_, count)| count).sum();
        Err(Failure::Failed(format!(
            "{} deliveries are missing, and {errors} errors happened",
            report.missing
        )))
    }
}

fn parse_measured(text: &str) -> Result<Duration, Invalid> {
    let time = parse_duration(text)?;
    let is_in_range = (Duration::from_millis(100)..=Duration::from_secs(86_400)).contains(&time);
    is_in_range.then_some(time).ok_or_else(|| Invalid::new("it is measured from 100ms to 24h"))
}

fn parse_warm_up(text: &str) -> Result<Duration, Invalid> {
    let time = parse_duration(text)?;
    let is_short = time <= Duration::from_secs(3600);
    is_short.then_some(time).ok_or_else(|| Invalid::new("it works for an hour at most before it is measured"))
}
