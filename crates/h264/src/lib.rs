//! A safe H.264 encoder for pictures that mostly stand still, on OpenH264. The project's only `unsafe` code.
//!
//! High profile, CABAC, one reference frame, minimal motion search. Key frames are encoded finely and the frames
//! between them coarsely: what stands still keeps the quality of the key frame, and what moves costs little. Without
//! `nasm` at build time the encoder runs at half speed.

use std::ffi::c_int;
use std::fmt;
use std::ptr;

use openh264_sys2::source::APILoader;
use openh264_sys2::{
    API, CAMERA_VIDEO_REAL_TIME, CM_BT709, CONSTANT_ID, CP_BT709, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT,
    ENCODER_OPTION_TRACE_LEVEL, ISVCEncoder, ISVCEncoderVtbl, LOW_COMPLEXITY, PRO_HIGH, RC_OFF_MODE, SEncParamExt,
    SFrameBSInfo, SM_SINGLE_SLICE, SSourcePicture, TRC_BT709, videoFormatI420, videoFrameTypeIDR,
};

/// Only used by OpenH264 to choose the stream's level; with fixed quantizers it has no effect on the rate.
const BITS_PER_SECOND: c_int = 12_000_000;
/// Minimum width and height of a picture in pixels: a macroblock.
const MIN_SIDE: usize = 16;
/// Maximum longer and shorter side of a picture in pixels: limits of OpenH264.
const MAX_SIDES: (usize, usize) = (3840, 2160);
/// The coarsest quantizer of H.264.
const MAX_QUANTIZER: u8 = 51;

/// How to encode a sequence of pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Pixels, even, at least 16; one side at most 3840, the other at most 2160.
    pub width: usize,
    /// The same.
    pub height: usize,
    /// Pictures per second, from 1.
    pub fps: u32,
    /// Frames from one key frame to the next, from 1.
    pub key_interval: u32,
    /// Quantizer of key frames: 0 (finest) to 51.
    pub key_quantizer: u8,
    /// Quantizer of the frames between them: 0 (finest) to 51.
    pub quantizer: u8,
}

/// A picture in planar YUV 4:2:0, BT.709, limited range, rows without gaps.
#[derive(Clone, Copy, Debug)]
pub struct Picture<'a> {
    /// Brightness: width × height bytes.
    pub luma: &'a [u8],
    /// Blue difference: half the width × half the height.
    pub blue: &'a [u8],
    /// Red difference: half the width × half the height.
    pub red: &'a [u8],
}

/// An encoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Annex B NAL units.
    pub bytes: Vec<u8>,
    /// Whether this is a key frame.
    pub key: bool,
}

/// Why a picture could not be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// A setting is outside the limits that [`Settings`] gives.
    Settings,
    /// A plane of the picture does not have the size that the settings give.
    Plane,
    /// OpenH264 refused a call: what was called, and its result.
    Call(&'static str, i32),
    /// OpenH264 encoded nothing.
    Empty,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings => formatter.write_str("a setting of the encoder is out of range"),
            Self::Plane => formatter.write_str("a plane of the picture has the wrong size"),
            Self::Call(call, result) => write!(formatter, "OpenH264's {call} returned {result}"),
            Self::Empty => formatter.write_str("OpenH264 skipped a frame"),
        }
    }
}

impl std::error::Error for Error {}

/// Encodes a sequence of pictures; the first becomes a key frame.
pub struct Encoder {
    /// Never null: [`Encoder::new`] checks it. Owned, released by [`Drop`].
    encoder: *mut ISVCEncoder,
    api: APILoader,
    settings: Settings,
    /// What was last given to OpenH264.
    parameters: SEncParamExt,
    frames: u64,
}

impl Encoder {
    /// Creates an encoder.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        if !settings.are_valid() {
            return Err(Error::Settings);
        }
        let api = APILoader::new();
        let mut encoder = ptr::null_mut();
        // SAFETY: OpenH264 writes a pointer to the place given, or leaves the null there.
        let result = unsafe { api.WelsCreateSVCEncoder(&raw mut encoder) };
        if result != 0 || encoder.is_null() {
            return Err(Error::Call("WelsCreateSVCEncoder", result));
        }
        // From here on `Drop` releases it.
        let mut this = Self { encoder, api, settings, parameters: SEncParamExt::default(), frames: 0 };
        // Messages go to our errors, not to standard error.
        let mut silent: c_int = 0;
        // SAFETY: the option's value is an integer; it is only read, during the call.
        this.call("SetOption", |encoder, functions, _| unsafe {
            functions.SetOption.map(|function| function(encoder, ENCODER_OPTION_TRACE_LEVEL, (&raw mut silent).cast()))
        })?;
        // SAFETY: the structure is one of OpenH264's own, with its size and layout from the bindings.
        this.call("GetDefaultParams", |encoder, functions, parameters| unsafe {
            functions.GetDefaultParams.map(|function| function(encoder, parameters))
        })?;
        this.describe();
        // SAFETY: as above; the structure is only read, and OpenH264 keeps no pointer to it.
        this.call("InitializeExt", |encoder, functions, parameters| unsafe {
            functions.InitializeExt.map(|function| function(encoder, parameters))
        })?;
        Ok(this)
    }

    /// Encodes the next picture.
    pub fn encode(&mut self, picture: &Picture<'_>) -> Result<Packet, Error> {
        let Settings { width, height, fps, key_interval, key_quantizer, quantizer } = self.settings;
        let luma = width * height;
        if picture.luma.len() != luma || picture.blue.len() != luma / 4 || picture.red.len() != luma / 4 {
            return Err(Error::Plane);
        }
        self.quantize(if self.frames.is_multiple_of(u64::from(key_interval)) { key_quantizer } else { quantizer })?;
        let (wide, high) = (width as c_int, height as c_int);
        // The pointers are to constant bytes: OpenH264 takes them as mutable and only reads.
        let planes = [picture.luma, picture.blue, picture.red].map(|plane| plane.as_ptr().cast_mut());
        let source = SSourcePicture {
            iColorFormat: videoFormatI420,
            iStride: [wide, wide / 2, wide / 2, 0],
            pData: [planes[0], planes[1], planes[2], ptr::null_mut()],
            iPicWidth: wide,
            iPicHeight: high,
            uiTimeStamp: (self.frames * 1_000 / u64::from(fps)) as i64,
            bPsnrY: false,
            bPsnrU: false,
            bPsnrV: false,
        };
        let mut output = SFrameBSInfo::default();
        // SAFETY: the planes have the sizes that width, height and strides promise (checked above) and outlive the
        // call; OpenH264 fills `output` and keeps no pointer to either structure.
        self.call("EncodeFrame", |encoder, functions, _| unsafe {
            functions.EncodeFrame.map(|function| function(encoder, &raw const source, &raw mut output))
        })?;
        self.frames += 1;
        let bytes = nal_units(&output);
        let key = output.eFrameType == videoFrameTypeIDR;
        if bytes.is_empty() { Err(Error::Empty) } else { Ok(Packet { bytes, key }) }
    }

    /// Fills in what differs from OpenH264's defaults.
    fn describe(&mut self) {
        let Settings { width, height, fps, key_interval, key_quantizer, .. } = self.settings;
        let (wide, high) = (width as c_int, height as c_int);
        let parameters = &mut self.parameters;
        parameters.iUsageType = CAMERA_VIDEO_REAL_TIME;
        parameters.iPicWidth = wide;
        parameters.iPicHeight = high;
        parameters.fMaxFrameRate = fps as f32;
        parameters.iTargetBitrate = BITS_PER_SECOND;
        parameters.iRCMode = RC_OFF_MODE;
        parameters.iComplexityMode = LOW_COMPLEXITY;
        parameters.iEntropyCodingModeFlag = 1;
        parameters.uiIntraPeriod = key_interval;
        parameters.eSpsPpsIdStrategy = CONSTANT_ID;
        parameters.iMultipleThreadIdc = 1;
        parameters.iSpatialLayerNum = 1;
        parameters.iTemporalLayerNum = 1;
        parameters.bEnableFrameSkip = false;
        parameters.bEnableSceneChangeDetect = false;
        parameters.bEnableAdaptiveQuant = false;
        // It leaves specks until the next key frame.
        parameters.bEnableBackgroundDetection = false;
        let layer = &mut parameters.sSpatialLayers[0];
        layer.iVideoWidth = wide;
        layer.iVideoHeight = high;
        layer.fFrameRate = fps as f32;
        layer.iSpatialBitrate = BITS_PER_SECOND;
        layer.iMaxSpatialBitrate = BITS_PER_SECOND;
        layer.uiProfileIdc = PRO_HIGH;
        layer.iDLayerQp = c_int::from(key_quantizer);
        layer.sSliceArgument.uiSliceMode = SM_SINGLE_SLICE;
        layer.sSliceArgument.uiSliceNum = 1;
        layer.bVideoSignalTypePresent = true;
        layer.bColorDescriptionPresent = true;
        layer.bFullRange = false;
        layer.uiColorPrimaries = CP_BT709 as _;
        layer.uiTransferCharacteristics = TRC_BT709 as _;
        layer.uiColorMatrix = CM_BT709 as _;
    }

    /// Sets the quantizer of the frames to come. This alone makes no key frame.
    fn quantize(&mut self, quantizer: u8) -> Result<(), Error> {
        let wanted = c_int::from(quantizer);
        if self.parameters.sSpatialLayers[0].iDLayerQp == wanted {
            return Ok(());
        }
        self.parameters.sSpatialLayers[0].iDLayerQp = wanted;
        // SAFETY: the option's value is this structure; it is only read, during the call.
        self.call("SetOption", |encoder, functions, parameters| unsafe {
            functions
                .SetOption
                .map(|function| function(encoder, ENCODER_OPTION_SVC_ENCODE_PARAM_EXT, parameters.cast()))
        })
    }

    /// Calls one of the encoder's functions, with the parameters at hand. A function that is missing counts as -1.
    fn call(
        &mut self,
        name: &'static str,
        function: impl FnOnce(*mut ISVCEncoder, &ISVCEncoderVtbl, *mut SEncParamExt) -> Option<c_int>,
    ) -> Result<(), Error> {
        // SAFETY: `encoder` is not null and points to OpenH264's pointer to its table of functions, which both live
        // until `Drop`.
        let functions = unsafe { &**self.encoder };
        match function(self.encoder, functions, &raw mut self.parameters).unwrap_or(-1) {
            0 => Ok(()),
            result => Err(Error::Call(name, result)),
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // Nothing can be done about a failure here. OpenH264 allows this call before the initialization, too.
        // SAFETY: no argument but the encoder.
        let _ = self.call("Uninitialize", |encoder, functions, _| unsafe {
            functions.Uninitialize.map(|function| function(encoder))
        });
        // SAFETY: made by `WelsCreateSVCEncoder`, not used afterwards.
        unsafe { self.api.WelsDestroySVCEncoder(self.encoder) };
    }
}

impl Settings {
    fn are_valid(&self) -> bool {
        let (shorter, longer) = (self.width.min(self.height), self.width.max(self.height));
        let even = self.width.is_multiple_of(2) && self.height.is_multiple_of(2);
        let size = even && shorter >= MIN_SIDE && shorter <= MAX_SIDES.1 && longer <= MAX_SIDES.0;
        let quantizers = self.key_quantizer.max(self.quantizer) <= MAX_QUANTIZER;
        size && self.fps > 0 && self.key_interval > 0 && quantizers
    }
}

/// The bytes of all layers: parameter sets and the picture.
fn nal_units(output: &SFrameBSInfo) -> Vec<u8> {
    let layers = output.sLayerInfo.iter().take(usize::try_from(output.iLayerNum).unwrap_or(0));
    let mut bytes = Vec::new();
    for layer in layers {
        let count = usize::try_from(layer.iNalCount).unwrap_or(0);
        if layer.pNalLengthInByte.is_null() || layer.pBsBuf.is_null() {
            continue;
        }
        // SAFETY: OpenH264 gives one length per NAL unit, and the units follow each other in the buffer; both are its
        // own and stay as they are until its next call.
        bytes.extend_from_slice(unsafe {
            let lengths = std::slice::from_raw_parts(layer.pNalLengthInByte, count);
            let total = lengths.iter().map(|length| usize::try_from(*length).unwrap_or(0)).sum();
            std::slice::from_raw_parts(layer.pBsBuf, total)
        });
    }
    bytes
}
