//! Plots as SVG, in the colours of whoever looks: bars, and a line over a logarithmic scale of sizes.

use std::fmt::Write;

const WIDTH: f64 = 720.0;
const STYLE: &str = "<style>\
    text{font:13px system-ui,sans-serif;fill:#24292f}\
    .title{font-weight:600}.figure{fill:#57606a}.bar{fill:#8c959f}.own{fill:#0969da}\
    .axis{stroke:#d0d7de}.line{stroke:#0969da;stroke-width:2;fill:none}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.figure{fill:#9198a1}.bar{fill:#656c76}.own{fill:#4493f8}\
    .axis{stroke:#3d444d}.line{stroke:#4493f8}}</style>";

/// A bar for each; the first one is ours.
pub fn bars(title: &str, bars: &[(&str, f64)]) -> String {
    const LEFT: f64 = 190.0;
    const RIGHT: f64 = 90.0;
    let largest = bars.iter().map(|(_, figure)| *figure).fold(f64::MIN_POSITIVE, f64::max);
    let mut shapes = String::new();
    for (place, (name, figure)) in bars.iter().enumerate() {
        let y = 40.0 + place as f64 * 28.0;
        let length = (figure / largest).max(0.0) * (WIDTH - LEFT - RIGHT);
        let class = if place == 0 { "own" } else { "bar" };
        // A string takes all that is written.
        let _ = write!(
            shapes,
            r#"<text x="{:.0}" y="{:.0}" text-anchor="end">{}</text><rect class="{class}" x="{LEFT}" y="{y:.0}" width="{length:.1}" height="18" rx="2"/><text class="figure" x="{:.1}" y="{:.0}">{}</text>"#,
            LEFT - 10.0,
            y + 14.0,
            escaped(name),
            LEFT + length + 8.0,
            y + 14.0,
            short(*figure)
        );
    }
    picture(title, 50.0 + bars.len() as f64 * 28.0, &shapes)
}

/// How a figure changes with a size.
pub fn line(title: &str, points: &[(f64, f64)]) -> String {
    const LEFT: f64 = 70.0;
    const TOP: f64 = 40.0;
    const HEIGHT: f64 = 200.0;
    let log = |size: f64| size.max(1.0).ln();
    let first = points.first().map_or(0.0, |(size, _)| log(*size));
    let last = points.last().map_or(1.0, |(size, _)| log(*size)).max(first + f64::EPSILON);
    let largest = points.iter().map(|(_, figure)| *figure).fold(f64::MIN_POSITIVE, f64::max);
    let x = |size: f64| LEFT + (log(size) - first) / (last - first) * (WIDTH - LEFT - 60.0);
    let y = |figure: f64| TOP + HEIGHT - figure / largest * HEIGHT;
    let mut shapes = String::new();
    for part in [0.0, 0.5, 1.0] {
        let (figure, end) = (largest * part, WIDTH - 40.0);
        let _ = write!(
            shapes,
            r#"<path class="axis" d="M{LEFT} {0:.1}H{end}"/><text class="figure" x="{1:.0}" y="{2:.1}" text-anchor="end">{3}</text>"#,
            y(figure),
            LEFT - 8.0,
            y(figure) + 4.0,
            short(figure)
        );
    }
    let mut path = String::new();
    for (place, (size, figure)) in points.iter().enumerate() {
        let (x, y, step) = (x(*size), y(*figure), if place == 0 { 'M' } else { 'L' });
        let _ = write!(path, "{step}{x:.1} {y:.1}");
        let _ = write!(
            shapes,
            r#"<circle class="own" cx="{x:.1}" cy="{y:.1}" r="4"/><text class="figure" x="{x:.1}" y="{:.0}" text-anchor="middle">{}</text>"#,
            TOP + HEIGHT + 20.0,
            short(*size)
        );
    }
    picture(title, TOP + HEIGHT + 36.0, &format!(r#"{shapes}<path class="line" d="{path}"/>"#))
}

fn picture(title: &str, height: f64, shapes: &str) -> String {
    let title = escaped(title);
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{title}">{STYLE}<text class="title" x="10" y="22">{title}</text>{shapes}</svg>
"#
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// Three digits, with a letter for thousands and millions.
fn short(figure: f64) -> String {
    match figure {
        figure if figure >= 1e6 => format!("{:.2} M", figure / 1e6),
        figure if figure >= 1e4 => format!("{:.0} k", figure / 1e3),
        figure if figure >= 100.0 || figure.fract() == 0.0 => format!("{figure:.0}"),
        figure => format!("{figure:.2}"),
    }
}
