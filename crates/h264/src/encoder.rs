//! Encodes pictures one after the other.

use crate::bits::nal;
use crate::cabac::Cabac;
use crate::choose::{Choice, References};
use crate::frame::{Frame, MACROBLOCK, Pixels};
use crate::interface::{Error, Packet, Picture, Rect, Settings};
use crate::place::Place;
use crate::residual::Tools;
use crate::syntax::{self, Around, Coded, Kind, Levels};
use crate::{deblock, headers};

/// Headers of NAL units: parameter sets, a key frame, a frame between.
const SEQUENCE: u8 = 0x67;
const PICTURE: u8 = 0x68;
const KEY: u8 = 0x65;
const BETWEEN: u8 = 0x41;

/// Encodes a sequence of pictures; the first becomes a key frame.
pub struct Encoder {
    settings: Settings,
    /// Macroblocks in a row and in a column.
    size: (usize, usize),
    /// For key frames and for frames between.
    pub(crate) tools: [Tools; 2],
    /// The frame being coded, as the decoder will see it, and the one before.
    pub(crate) frame: Frame,
    reference: Frame,
    /// The last key frame.
    plate: Frame,
    /// By macroblock: how it was coded last.
    coded: Vec<Coded>,
    /// By macroblock: whether it differs between the last two frames.
    touched: Vec<bool>,
    frames: u64,
}

impl Encoder {
    /// Creates an encoder.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        if !settings.are_valid() {
            return Err(Error::Settings);
        }
        let (columns, rows) = (settings.width.div_ceil(MACROBLOCK), settings.height.div_ceil(MACROBLOCK));
        Ok(Self {
            settings,
            size: (columns, rows),
            tools: [Tools::new(settings.key_quantizer, true), Tools::new(settings.quantizer, false)],
            frame: Frame::new(columns, rows),
            reference: Frame::new(columns, rows),
            plate: Frame::new(columns, rows),
            coded: vec![Coded::STILL; columns * rows],
            touched: vec![true; columns * rows],
            frames: 0,
        })
    }

    /// Encodes the next picture. What lies outside `changes` must be as in the picture before.
    pub fn encode(&mut self, picture: &Picture<'_>, changes: &[Rect]) -> Result<Packet, Error> {
        let Settings { width, height, key_interval, key_quantizer, quantizer, .. } = self.settings;
        let luma = width * height;
        if picture.luma.len() != luma || picture.blue.len() != luma / 4 || picture.red.len() != luma / 4 {
            return Err(Error::Plane);
        }
        let since_key = (self.frames % u64::from(key_interval)) as u32;
        let (keys, key) = ((self.frames / u64::from(key_interval)) as u32, since_key == 0);
        self.frames += 1;
        std::mem::swap(&mut self.frame, &mut self.reference);
        let step = if key { key_quantizer } else { quantizer };
        let header = headers::slice(key.then_some(keys), since_key, step);
        let cabac = Cabac::new(header, key, step);
        let payload = if key { self.key(picture, cabac) } else { self.between(picture, changes, cabac, since_key > 1) };
        deblock::frame(&mut self.frame, &self.coded, self.size.0, step);
        self.frame.extend();
        if key {
            self.plate.clone_from(&self.frame);
        }
        let mut bytes = Vec::with_capacity(payload.len() + 64);
        if key {
            nal(&mut bytes, SEQUENCE, &headers::sequence(&self.settings));
            nal(&mut bytes, PICTURE, &headers::picture());
        }
        nal(&mut bytes, if key { KEY } else { BETWEEN }, &payload);
        Ok(Packet { bytes, key })
    }

    fn key(&mut self, picture: &Picture<'_>, mut cabac: Cabac) -> Vec<u8> {
        let (columns, rows) = self.size;
        let mut source = Pixels::EMPTY;
        for at in 0..columns * rows {
            if at > 0 {
                cabac.go_on();
            }
            let place = (at % columns, at / columns);
            take(&self.settings, picture, place, &mut source);
            let around = around(&self.coded, columns, at);
            let tools = &self.tools[0];
            let choice = Place { tools, source: &source, at: place, size: self.size, around }.intra(&mut self.frame);
            put(&mut self.frame, place, &choice.pixels);
            syntax::write(&mut cabac, &choice.coded, &choice.levels, around, &choice.predicted, 0);
            self.coded[at] = choice.coded;
        }
        self.touched.fill(true);
        cabac.finish()
    }

    fn between(&mut self, picture: &Picture<'_>, changes: &[Rect], mut cabac: Cabac, plate: bool) -> Vec<u8> {
        let count = if plate { 2 } else { 1 };
        let (columns, rows) = self.size;
        let mut changed = vec![false; columns * rows];
        for Rect { x, y, width, height } in changes {
            let right = (x + width).div_ceil(MACROBLOCK).min(columns);
            for row in y / MACROBLOCK..(y + height).div_ceil(MACROBLOCK).min(rows) {
                changed[row * columns + (x / MACROBLOCK).min(right)..row * columns + right].fill(true);
            }
        }
        let mut touched = vec![false; columns * rows];
        let mut source = Pixels::EMPTY;
        let mut last = [0, 0];
        for (at, changed) in changed.into_iter().enumerate() {
            if at > 0 {
                cabac.go_on();
            }
            let place = (at % columns, at / columns);
            let around = around(&self.coded, columns, at);
            if !changed {
                if self.touched[at] {
                    self.frame.copy(&self.reference, place.0, place.1);
                }
                let coded = Place::still(around);
                syntax::write(&mut cabac, &coded, &Levels::EMPTY, around, &[0; 16], count);
                self.coded[at] = coded;
                continue;
            }
            take(&self.settings, picture, place, &mut source);
            let tools = &self.tools[1];
            let references = References { before: &self.reference, key: plate.then_some(&self.plate) };
            let macroblock = Place { tools, source: &source, at: place, size: self.size, around };
            let choice = macroblock.inter(&mut self.frame, references, [self.coded[at].vector, last]);
            let Choice { coded, levels, pixels, predicted, .. } = &choice;
            put(&mut self.frame, place, pixels);
            syntax::write(&mut cabac, coded, levels, around, predicted, count);
            if coded.kind == Kind::Moved {
                last = coded.vector;
            }
            self.coded[at] = *coded;
            if !coded.is_still() {
                let (column, row) = place;
                for row in row.saturating_sub(1)..(row + 2).min(rows) {
                    touched[row * columns + column.saturating_sub(1)..row * columns + (column + 2).min(columns)]
                        .fill(true);
                }
            }
        }
        self.touched = touched;
        cabac.finish()
    }
}

/// The neighbors of a macroblock that were coded before it.
fn around(coded: &[Coded], columns: usize, at: usize) -> Around<'_> {
    let (column, row) = (at % columns, at / columns);
    let near = |exists: bool, back: usize| if exists { coded.get(at - back) } else { None };
    Around {
        left: near(column > 0, 1),
        top: near(row > 0, columns),
        top_left: near(column > 0 && row > 0, columns + 1),
        top_right: near(column + 1 < columns && row > 0, columns.wrapping_sub(1)),
    }
}

/// Reads a macroblock of a picture; repeats the last pixels where it goes beyond.
fn take(settings: &Settings, picture: &Picture<'_>, (column, row): (usize, usize), to: &mut Pixels) {
    let Settings { width, height, .. } = *settings;
    let [blue, red] = &mut to.chroma;
    square::<16>(picture.luma, (width, height), (column, row), &mut to.luma);
    square::<8>(picture.blue, (width / 2, height / 2), (column, row), blue);
    square::<8>(picture.red, (width / 2, height / 2), (column, row), red);
}

fn square<const SIDE: usize>(
    plane: &[u8],
    (width, height): (usize, usize),
    (column, row): (usize, usize),
    to: &mut [u8],
) {
    let (x, y) = (column * SIDE, row * SIDE);
    let inside = SIDE.min(width - x);
    for (row, to) in (y..).zip(to.as_chunks_mut::<SIDE>().0) {
        let start = row.min(height - 1) * width + x;
        if inside == SIDE {
            to.copy_from_slice(&plane[start..start + SIDE]);
        } else {
            to[..inside].copy_from_slice(&plane[start..start + inside]);
            to[inside..].fill(plane[start + inside - 1]);
        }
    }
}

fn put(frame: &mut Frame, (column, row): (usize, usize), pixels: &Pixels) {
    let [luma, blue, red] = &mut frame.planes;
    let at = luma.at((column * 16) as i32, (row * 16) as i32);
    luma.write::<16>(at, &pixels.luma);
    for (plane, pixels) in [blue, red].into_iter().zip(&pixels.chroma) {
        let at = plane.at((column * 8) as i32, (row * 8) as i32);
        plane.write::<8>(at, pixels);
    }
}
