//! What a chart consists of.

/// A chart, laid out.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Its name, unique among the charts of a page and fit for a file.
    pub name: &'static str,
    /// What it shows, in a few words.
    pub title: String,
    /// What is to be seen in it, for those who do not see it.
    pub description: String,
    /// Its width in pixels.
    pub width: f64,
    /// Its height in pixels.
    pub height: f64,
    /// What is drawn behind the marks, in order.
    pub shapes: Vec<Shape>,
    /// What stands for a datum each, in order.
    pub marks: Vec<Mark>,
}

/// Shapes that together stand for one datum.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// By which a page finds it again.
    pub key: String,
    /// Its numbers in words, a fact each.
    pub facts: Vec<String>,
    /// What is drawn.
    pub shapes: Vec<Shape>,
}

/// Something that is drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A rectangle with sides along the axes.
    Rectangle {
        /// Its left side.
        x: f64,
        /// Its upper side.
        y: f64,
        /// How wide it is.
        width: f64,
        /// How high it is.
        height: f64,
        /// What it is drawn as.
        role: Role,
    },
    /// Straight lines from point to point.
    Line {
        /// The points.
        points: Vec<(f64, f64)>,
        /// What it is drawn as.
        role: Role,
    },
    /// A circle.
    Circle {
        /// Its middle.
        centre: (f64, f64),
        /// Its radius.
        radius: f64,
        /// What it is drawn as.
        role: Role,
    },
    /// A line of text.
    Text {
        /// Where it starts, is centred or ends.
        x: f64,
        /// Its base line.
        y: f64,
        /// Which of these `x` is.
        anchor: Anchor,
        /// What it says.
        text: String,
        /// What it is drawn as.
        role: Role,
    },
}

/// Where a text stands beside its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// What a shape is for, from which its colours follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Text that matters.
    Ink,
    /// The same, in bold.
    Strong,
    /// Text beside it: axes, units.
    Muted,
    /// Text on the accent colour.
    OnAccent,
    /// Text on a soft shade of it.
    OnSoft,
    /// Lines to read values by.
    Grid,
    /// The lines of the axes.
    Axis,
    /// A limit that nothing gets below.
    Limit,
    /// A line through data.
    Curve,
    /// What was chosen, and what decides the end.
    Accent,
    /// The same where it decides nothing.
    Soft,
    /// What there is today.
    Today,
    /// Something else to compare with.
    Other,
    /// A ring around what matters.
    Ring,
    /// Time before and after the tests.
    Around,
    /// Time until services are there.
    Boot,
    /// Time that the first contact with them takes.
    Attach,
    /// Waiting for a runner.
    Queue,
    /// Another job.
    Job,
    /// How far a time may go.
    Spread,
}

/// The size of all text in pixels.
pub(super) const TEXT: f64 = 12.0;

impl Chart {
    pub(super) fn text(&mut self, x: f64, y: f64, anchor: Anchor, role: Role, text: impl Into<String>) {
        self.shapes.push(Shape::Text { x, y, anchor, text: text.into(), role });
    }

    pub(super) fn line(&mut self, points: Vec<(f64, f64)>, role: Role) {
        self.shapes.push(Shape::Line { points, role });
    }
}

/// Returns about how wide a text is, whatever the font: rather too wide than too narrow.
pub(super) fn width_of(text: &str) -> f64 {
    text.chars().map(|c| if c.is_ascii() { 0.64 } else { 0.8 }).sum::<f64>() * TEXT
}

/// Returns the text, cut in its middle where it would be wider than this: names differ at their ends.
pub(super) fn fitted(text: &str, width: f64) -> String {
    if width_of(text) <= width {
        return text.to_owned();
    }
    let all: Vec<char> = text.chars().collect();
    let kept = |count: usize| -> String {
        let head = count.div_ceil(2);
        all[..head].iter().chain(&['…']).chain(&all[all.len() - (count - head)..]).collect()
    };
    let longest = (0..all.len()).rev().find(|count| width_of(&kept(*count)) <= width);
    kept(longest.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_wide_keeps_its_ends() {
        assert_eq!(fitted("heavy-1", 100.0), "heavy-1");
        let cut = fitted("a very long name that ends in heavy-1", 100.0);
        assert!(cut.starts_with("a ") && cut.ends_with("y-1") && width_of(&cut) <= 100.0, "{cut}");
    }
}
