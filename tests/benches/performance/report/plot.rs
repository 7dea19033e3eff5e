//! Results as plots: on white, since they are shown on light pages and on dark ones.

use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{IntoSegmentedCoord, SegmentValue, ValueFormatter};
use plotters::prelude::*;

use super::tables::{exact, number};
use crate::results::{Curve, Row};

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

const BLUE: RGBColor = RGBColor(9, 105, 218);
const ORANGE: RGBColor = RGBColor(207, 80, 16);
const GREY: RGBColor = RGBColor(110, 119, 129);
const INK: RGBColor = RGBColor(31, 35, 40);
const FAINT: RGBColor = RGBColor(222, 226, 230);
const FONT: &str = "sans-serif";

/// Above this ratio between its values a curve needs a logarithmic scale.
const WIDE: f64 = 12.0;
/// Room above a curve for its legend, as a share of what it takes itself.
const ROOM: f64 = 0.4;

fn area(path: &Path, size: (u32, u32)) -> Area<'_> {
    let area = SVGBackend::new(path, size).into_drawing_area();
    area.fill(&WHITE).expect("a background");
    area
}

/// Bars for things that are compared: the middle as a bar, the slowest hundredth as a whisker.
pub fn rows(path: &Path, title: &str, rows: &[Row]) {
    let count = i32::try_from(rows.len()).expect("few rows");
    let root = area(path, (900, 110 + 44 * count.unsigned_abs()));
    let lowest = rows.iter().map(|row| row.p50).fold(f64::INFINITY, f64::min);
    let highest = rows.iter().map(|row| row.p99).fold(0.0, f64::max);
    // The values are written to the right of their bars.
    let (from, to) = (below(lowest / 2.0), highest * 100.0);
    let mut chart = ChartBuilder::on(&root)
        .caption(title, (FONT, 20).into_font().color(&INK))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(310)
        .build_cartesian_2d((from..to).log_scale(), (0..count - 1).into_segmented())
        .expect("a chart");
    // The first row is on top, and the axis begins below.
    let row_at = |place: i32| &rows[usize::try_from(count - 1 - place).expect("a row")];
    let name_of = |place: &SegmentValue<i32>| match place {
        SegmentValue::CenterOf(place) if (0..count).contains(place) => plain(&row_at(*place).what),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_y_mesh()
        .light_line_style(WHITE)
        .bold_line_style(FAINT)
        .axis_style(GREY)
        .label_style((FONT, 14).into_font().color(&INK))
        .y_labels(rows.len())
        .y_label_formatter(&name_of)
        .x_label_formatter(&|value| tick(*value))
        .x_desc("time in µs, logarithmic: the bar ends at p50, the whisker at p99")
        .axis_desc_style((FONT, 14).into_font().color(&INK))
        .draw()
        .expect("a mesh");
    for place in 0..count {
        let row = row_at(place);
        let colour = if row.what.starts_with("OpenClaw") { BLUE } else { GREY };
        let mut bar = Rectangle::new(
            [(from, SegmentValue::Exact(place)), (row.p50, SegmentValue::Exact(place + 1))],
            colour.filled(),
        );
        bar.set_margin(9, 9, 0, 0);
        chart.draw_series([bar]).expect("a bar");
        let middle = || SegmentValue::CenterOf(place);
        let whisker = [(row.p50, middle()), (row.p99, middle())];
        chart.draw_series([PathElement::new(whisker, ORANGE.stroke_width(3))]).expect("a whisker");
        let words = format!("{} µs, p99 {}", number(row.p50), number(row.p99));
        let style = (FONT, 14).into_font().color(&INK);
        let text = EmptyElement::at((row.p99, middle())) + Text::new(words, (8, -6), style);
        chart.draw_series([text]).expect("a text");
    }
    root.present().expect("the plot is written");
}

/// Lines over points that grow by about the same factor each.
pub fn curve(path: &Path, curve: &Curve) {
    let root = area(path, (760, 400));
    let values = || curve.lines.iter().flat_map(|line| line.values.iter().copied());
    let lowest = values().fold(f64::INFINITY, f64::min).max(f64::MIN_POSITIVE);
    let highest = values().fold(0.0, f64::max);
    let count = i32::try_from(curve.points.len()).expect("few points");
    let places = (0..count - 1).into_segmented();
    let mut builder = ChartBuilder::on(&root);
    builder
        .caption(&curve.title, (FONT, 20).into_font().color(&INK))
        .margin(14)
        .x_label_area_size(46)
        .y_label_area_size(78);
    if highest / lowest > WIDE {
        let scale = below(lowest)..highest * (highest / lowest).powf(ROOM);
        let chart = builder.build_cartesian_2d(places, scale.log_scale()).expect("a chart");
        draw(chart, curve, &format!("{}, logarithmic", curve.y));
    } else {
        let chart = builder.build_cartesian_2d(places, 0.0..highest * (1.0 + ROOM)).expect("a chart");
        draw(chart, curve, &curve.y);
    }
    root.present().expect("the plot is written");
}

fn draw<'a, X, Y>(mut chart: ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>, curve: &Curve, y: &str)
where
    X: Ranged<ValueType = SegmentValue<i32>> + ValueFormatter<SegmentValue<i32>>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let name_of = |place: &SegmentValue<i32>| match place {
        SegmentValue::CenterOf(place) => usize::try_from(*place)
            .ok()
            .and_then(|place| curve.points.get(place))
            .cloned()
            .unwrap_or_default(),
        _ => String::new(),
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .bold_line_style(FAINT)
        .axis_style(GREY)
        .label_style((FONT, 14).into_font().color(&INK))
        .axis_desc_style((FONT, 14).into_font().color(&INK))
        .x_labels(curve.points.len())
        .x_label_formatter(&name_of)
        .x_desc(curve.x.as_str())
        .y_label_formatter(&|value| tick(*value))
        .y_desc(y)
        .draw()
        .expect("a mesh");
    for (index, (line, colour)) in curve.lines.iter().zip([BLUE, ORANGE]).enumerate() {
        let places = (0..).map(SegmentValue::CenterOf);
        let points: Vec<_> = places.zip(line.values.iter().copied()).collect();
        chart
            .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))
            .expect("a line")
            .label(line.what.clone())
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(3)));
        // Of two lines the second is the upper one: each has its values on its own side.
        let aside = if index + 1 == curve.lines.len() { (-10, -20) } else { (6, 6) };
        let marks = points.into_iter().map(|point| {
            let style = (FONT, 13).into_font().color(&colour);
            let shown = number(point.1);
            EmptyElement::at(point) + Circle::new((0, 0), 4, colour.filled()) + Text::new(shown, aside, style)
        });
        chart.draw_series(marks).expect("marks");
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(FAINT)
        .label_font((FONT, 14).into_font().color(&INK))
        .draw()
        .expect("a legend");
}

/// The power of ten at or below a value.
fn below(value: f64) -> f64 {
    10_f64.powf(value.log10().floor())
}

/// A value at an axis.
fn tick(value: f64) -> String {
    if value.fract() == 0.0 { exact(value) } else { number(value) }
}

/// A name without the marks of Markdown, and without what explains it.
fn plain(text: &str) -> String {
    text.split_once(": ").map_or(text, |(name, _)| name).replace('`', "")
}
