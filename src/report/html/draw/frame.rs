//! A plot with its axes and its words.

use maud::{Markup, PreEscaped, html};

use super::number::{across, tenth};
use super::scale::Scale;
use super::ticks::{Tick, Unit, ticks};

/// Labels along the axis below; on a narrow screen every second of them is shown.
const ACROSS: usize = 9;
/// The height that a label of the axis to the left takes at the least, with air around it.
const DOWN: f64 = 32.0;

/// What stands above and below a plot: the head of the axis to the left, the labels of the axis below and its name. The
/// style sheet sets the part above.
const AROUND: f64 = 60.0;

/// One axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    label: String,
    scale: Scale,
    unit: Unit,
}

/// A plot: what its axes are, how high it is, and what it says in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    id: String,
    title: String,
    said: String,
    height: f64,
    x: Axis,
    y: Option<Axis>,
}

/// Something drawn in a frame.
#[derive(Clone, Debug)]
pub enum Layer {
    /// Paths, which stretch with the width of the plot: its width is 1000 units, its height that of the frame.
    Stretched(Markup),
    /// What keeps its shape: text, and what lies at percentages of the width.
    Fixed(Markup),
}

impl Axis {
    /// With what it shows, in a few words, and in which unit. The words are shown as they are: text from outside has
    /// to go through [`Look`](crate::report::html::Look) before.
    #[must_use]
    pub fn new(label: &str, scale: Scale, unit: Unit) -> Self {
        Self {
            label: label.to_owned(),
            scale,
            unit,
        }
    }

    /// Its scale.
    #[must_use]
    pub const fn scale(&self) -> &Scale {
        &self.scale
    }

    /// At most so many round values on it, and how they read.
    #[must_use]
    pub fn ticks(&self, most: usize) -> Vec<Tick> {
        ticks(&self.scale, self.unit, most)
    }
}

impl Frame {
    /// A plot of so many CSS pixels in height without its labels. `id` is its own on the page; `title` names it, and `said`
    /// tells those who do not see it what it shows. Without `y` there is no axis to the left, and heights are pixels
    /// from the top.
    #[must_use]
    pub fn new(id: &str, title: &str, said: &str, height: f64, x: Axis, y: Option<Axis>) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            said: said.to_owned(),
            height: if height.is_finite() {
                height.clamp(8.0, 4000.0)
            } else {
                200.0
            },
            x,
            y,
        }
    }

    /// The axis below.
    #[must_use]
    pub const fn x(&self) -> &Axis {
        &self.x
    }

    /// The height of the plot in CSS pixels, without its labels.
    #[must_use]
    pub const fn height(&self) -> f64 {
        self.height
    }

    /// The place of a value across, 0 to 1.
    #[must_use]
    pub fn across(&self, x: f64) -> f64 {
        self.x.scale.place(x)
    }

    /// The place of a value from the top, in pixels; without an axis to the left the value is the place.
    #[must_use]
    pub fn down(&self, y: f64) -> f64 {
        match &self.y {
            Some(axis) => (1.0 - axis.scale.place(y)) * self.height,
            None if y.is_nan() => 0.0,
            None => y.clamp(0.0, self.height),
        }
    }

    /// The drawing: the layers onto each other, the first at the bottom, over the lines of the axes.
    #[must_use]
    pub fn draw(&self, layers: &[Layer]) -> Markup {
        let (title, said) = (format!("{}-title", self.id), format!("{}-said", self.id));
        let class = match &self.y {
            Some(_) => "chart",
            None => "chart bare",
        };
        let scale = &self.x.scale;
        html! {
            svg class=(class) id=(self.id) role="img" aria-labelledby={ (title) " " (said) }
                width="100%" height=(tenth(self.height + AROUND))
                data-scale=(scale.word()) data-from=(scale.from()) data-to=(scale.to()) {
                title id=(title) { (self.title) }
                desc id=(said) { (self.said) }
                (self.grid())
                @for group in grouped(layers) { (self.group(group)) }
            }
        }
    }

    fn grid(&self) -> Markup {
        let bottom = tenth(self.height);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a height of 8 to 4000 pixels"
        )]
        let rows = (self.height / DOWN).ceil() as usize;
        html! {
            g.axis {
                @for (nth, tick) in self.x.ticks(ACROSS).iter().enumerate() {
                    @let at = across(tick.place);
                    @let more = if nth % 2 == 1 { " more" } else { "" };
                    line.grid x1=(at) x2=(at) y1="0" y2=(bottom) {}
                    text class={ "tick" (more) } x=(at) y=(tenth(self.height + 16.0)) text-anchor=(anchor(tick.place)) { (tick.label) }
                }
                @if let Some(y) = &self.y {
                    @for tick in y.ticks(rows.max(2) + 1) {
                        @let at = tenth((1.0 - tick.place) * self.height);
                        line.grid x1="0%" x2="100%" y1=(at) y2=(at) {}
                        text.tick x="-6" y=(at) dy="0.32em" text-anchor="end" { (tick.label) }
                    }
                    text.label x="0%" y="-8" { (y.label) }
                }
                line.base x1="0%" x2="100%" y1=(bottom) y2=(bottom) {}
                text.label x="100%" y=(tenth(self.height + 32.0)) text-anchor="end" { (self.x.label) }
            }
        }
    }

    fn group(&self, group: &[Layer]) -> Markup {
        let inside = |layer: &Layer| match layer {
            Layer::Stretched(markup) | Layer::Fixed(markup) => PreEscaped(markup.0.clone()),
        };
        html! {
            @if let Some(Layer::Stretched(_)) = group.first() {
                svg.plot x="0" y="0" width="100%" height=(tenth(self.height))
                    viewBox={ "0 0 1000 " (tenth(self.height)) } preserveAspectRatio="none" {
                    @for layer in group { (inside(layer)) }
                }
            } @else {
                @for layer in group { (inside(layer)) }
            }
        }
    }
}

/// Which end of a label stands at its place, so that none leaves the plot.
pub(super) fn anchor(place: f64) -> &'static str {
    match place {
        place if place < 0.02 => "start",
        place if place > 0.98 => "end",
        _ => "middle",
    }
}

/// Layers of one kind that follow each other.
fn grouped(layers: &[Layer]) -> impl Iterator<Item = &[Layer]> {
    layers.chunk_by(|a, b| std::mem::discriminant(a) == std::mem::discriminant(b))
}
