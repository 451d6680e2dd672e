//! Colour, where it is wanted. Everything reads the same without.

use anstyle::{AnsiColor, Effects, Style as Ansi};

use crate::model::Class;

/// What a piece of text is, as far as colour goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Not as it should be, and not the worst.
    Warn,
    /// Not as it should be.
    Bad,
    /// Landfall could not see.
    Blind,
    /// A heading.
    Head,
    /// Beside the point.
    Faint,
}

impl Tone {
    /// The word by which pages choose a colour.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Plain | Self::Head | Self::Faint => "plain",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Blind => "blind",
        }
    }

    /// The colour of a class.
    pub(super) const fn of(class: Class) -> Self {
        match class {
            Class::Delivered => Self::Good,
            Class::Late | Class::Duplicate => Self::Warn,
            Class::Unobserved => Self::Blind,
            Class::Mismatched
            | Class::Unwanted
            | Class::Failed
            | Class::Lost
            | Class::Rejected
            | Class::Phantom => Self::Bad,
        }
    }

    /// The text in its colour.
    pub(super) fn paint(self, text: &str, colour: bool) -> String {
        let style = match self {
            Self::Plain => Ansi::new(),
            Self::Good => AnsiColor::Green.on_default(),
            Self::Warn => AnsiColor::Yellow.on_default(),
            Self::Bad => AnsiColor::Red.on_default().effects(Effects::BOLD),
            Self::Blind => AnsiColor::Magenta.on_default(),
            Self::Head => Ansi::new().effects(Effects::BOLD),
            Self::Faint => Ansi::new().effects(Effects::DIMMED),
        };
        if colour && style != Ansi::new() && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
