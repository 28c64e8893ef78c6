//! The colours of charts: few greys and one accent, for light and for dark grounds.

use std::fmt::Write as _;

use super::Role;

/// What a chart is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A page, whose own style sheet names the colours.
    Page,
    /// A file of its own, light or dark as whoever looks at it has it.
    File,
    /// A light ground for good.
    Light,
}

/// A colour on a light and on a dark ground, with the name that a page has for it.
struct Colour {
    name: &'static str,
    light: &'static str,
    dark: &'static str,
}

const GROUND: Colour = Colour { name: "ground", light: "#ffffff", dark: "#14161b" };
const INK: Colour = Colour { name: "ink", light: "#1b1e25", dark: "#e7e9ee" };
const MUTED: Colour = Colour { name: "muted", light: "#5b6373", dark: "#a2aaba" };
const LINE: Colour = Colour { name: "line", light: "#868e9d", dark: "#717a8b" };
const GRID: Colour = Colour { name: "grid", light: "#e4e7ec", dark: "#2a2e38" };
const PLAIN: Colour = Colour { name: "plain", light: "#f3f4f7", dark: "#1f232b" };
const ACCENT: Colour = Colour { name: "accent", light: "#1d5bd0", dark: "#7ba6ff" };
const SOFT: Colour = Colour { name: "soft", light: "#b7ccf5", dark: "#34528f" };
const COLOURS: [Colour; 8] = [GROUND, INK, MUTED, LINE, GRID, PLAIN, ACCENT, SOFT];

/// How a role is drawn: its fill, its stroke, and whatever else.
struct Look {
    role: Role,
    class: &'static str,
    fill: Option<&'static Colour>,
    stroke: Option<(&'static Colour, &'static str)>,
    more: &'static str,
}

const fn look(role: Role, class: &'static str, fill: Option<&'static Colour>) -> Look {
    Look { role, class, fill, stroke: None, more: "" }
}

impl Look {
    const fn stroked(mut self, colour: &'static Colour, width: &'static str) -> Self {
        self.stroke = Some((colour, width));
        self
    }

    const fn with(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }
}

const LOOKS: [Look; 20] = [
    look(Role::Ink, "ink", Some(&INK)),
    look(Role::Strong, "strong", Some(&INK)).with("font-weight:600"),
    look(Role::Muted, "muted", Some(&MUTED)),
    look(Role::OnAccent, "on-accent", Some(&GROUND)).with("font-weight:600"),
    look(Role::OnSoft, "on-soft", Some(&INK)),
    look(Role::Grid, "grid", None).stroked(&GRID, "1"),
    look(Role::Axis, "axis", None).stroked(&LINE, "1"),
    look(Role::Limit, "limit", None).stroked(&LINE, "1.5").with("stroke-dasharray:2 4"),
    look(Role::Curve, "curve", None).stroked(&SOFT, "2"),
    look(Role::Accent, "accent", Some(&ACCENT)),
    look(Role::Soft, "soft", Some(&SOFT)),
    look(Role::Today, "today", Some(&GROUND)).stroked(&INK, "2"),
    look(Role::Other, "other", Some(&GROUND)).stroked(&MUTED, "1.5").with("stroke-dasharray:3 2"),
    look(Role::Ring, "ring", None).stroked(&ACCENT, "1.5"),
    look(Role::Around, "around", Some(&PLAIN)).stroked(&LINE, "1"),
    look(Role::Boot, "boot", Some(&LINE)),
    look(Role::Attach, "attach", Some(&MUTED)),
    look(Role::Queue, "queue", None).stroked(&LINE, "1").with("stroke-dasharray:2 2"),
    look(Role::Job, "job", Some(&GRID)).stroked(&LINE, "1"),
    look(Role::Spread, "spread", None).stroked(&INK, "1.5"),
];

/// Returns the class that a role is drawn by.
pub(super) fn class(role: Role) -> &'static str {
    LOOKS.iter().find(|look| look.role == role).map_or("ink", |look| look.class)
}

/// Returns the style sheet of all charts.
#[must_use]
pub fn stylesheet(medium: Medium) -> String {
    let mut css = String::new();
    if medium == Medium::Page {
        let _ = write!(css, ":root{{{}}}", named(|colour| colour.light));
        let _ = write!(
            css,
            "@media screen and (prefers-color-scheme:dark){{:root{{{}}}}}",
            named(|colour| colour.dark)
        );
    }
    let of_page = |colour: &Colour| format!("var(--{})", colour.name);
    let light = |colour: &Colour| colour.light.to_owned();
    rules(&mut css, if medium == Medium::Page { &of_page } else { &light });
    if medium == Medium::File {
        css.push_str("@media (prefers-color-scheme:dark){");
        rules(&mut css, &|colour| colour.dark.to_owned());
        css.push('}');
    }
    css
}

fn named(shade: impl Fn(&Colour) -> &'static str) -> String {
    let mut text = String::new();
    for colour in &COLOURS {
        let _ = write!(text, "--{}:{};", colour.name, shade(colour));
    }
    text
}

fn rules(css: &mut String, colour: &dyn Fn(&Colour) -> String) {
    let _ = write!(css, ".paper{{fill:{}}}", colour(&GROUND));
    for look in &LOOKS {
        let fill = look.fill.map_or_else(|| "none".to_owned(), colour);
        let _ = write!(css, ".{}{{fill:{fill}", look.class);
        if let Some((stroke, width)) = look.stroke {
            let _ = write!(css, ";stroke:{};stroke-width:{width}", colour(stroke));
        }
        if !look.more.is_empty() {
            let _ = write!(css, ";{}", look.more);
        }
        css.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_and_marks_stand_out_from_both_grounds() {
        for (colour, least) in [(&INK, 7.0), (&MUTED, 4.5), (&ACCENT, 4.5), (&LINE, 3.0)] {
            assert!(contrast(colour.light, GROUND.light) >= least, "{} on light", colour.name);
            assert!(contrast(colour.dark, GROUND.dark) >= least, "{} on dark", colour.name);
        }
        assert!(contrast(INK.light, SOFT.light) >= 4.5 && contrast(INK.dark, SOFT.dark) >= 4.5);
    }

    #[test]
    fn every_role_has_a_look_of_its_own() {
        let classes: std::collections::BTreeSet<&str> = LOOKS.iter().map(|look| look.class).collect();
        let roles: std::collections::BTreeSet<Role> = LOOKS.iter().map(|look| look.role).collect();
        assert_eq!((classes.len(), roles.len()), (LOOKS.len(), LOOKS.len()));
    }
}
