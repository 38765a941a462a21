//! Blending of pixels as whole numbers, two channels at a time: the loops over whole pictures.

/// A premultiplied color with less opacity, of 255.
pub fn scaled(color: u32, opacity: u32) -> u32 {
    let part = opacity + (opacity >> 7);
    let low = ((color & 0x00ff_00ff).wrapping_mul(part) >> 8) & 0x00ff_00ff;
    let high = ((color >> 8) & 0x00ff_00ff).wrapping_mul(part) & 0xff00_ff00;
    low | high
}

/// A premultiplied color over an opaque pixel. No channel can overflow into its neighbor, because what remains of the
/// lower color is rounded down.
pub fn over(under: [u8; 4], color: u32) -> [u8; 4] {
    let alpha = color >> 24;
    let below = scaled(u32::from_le_bytes(under), 255 - alpha);
    (below.wrapping_add(color) | OPAQUE).to_le_bytes()
}

/// A premultiplied color over a pixel that may be transparent.
pub fn blended(under: [u8; 4], color: u32) -> [u8; 4] {
    let whole = scaled(u32::from_le_bytes(under), 255 - (color >> 24)).wrapping_add(color);
    // What is opaque stays so, although what remains of it is rounded down.
    let opaque = if under[3] == 255 { OPAQUE } else { 0 };
    (whole | opaque).to_le_bytes()
}

/// An opaque pixel that keeps so much of its brightness, of 255.
pub fn dimmed(pixel: [u8; 4], brightness: u8) -> [u8; 4] {
    (scaled(u32::from_le_bytes(pixel), u32::from(brightness)) | OPAQUE).to_le_bytes()
}

/// The opacity of a pixel without its colors.
const OPAQUE: u32 = 0xff00_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blending_is_exact_to_a_step_and_never_overflows() {
        for alpha in 0..=255_u8 {
            for under in [0, 1, 127, 128, 254, 255_u8] {
                for color in [0, alpha / 2, alpha] {
                    let pixel = [under, 255, under, 255];
                    let [red, green, blue, opacity] = over(pixel, u32::from_le_bytes([color, alpha, color, alpha]));
                    let exact = f32::from(color) + f32::from(under) * (1.0 - f32::from(alpha) / 255.0);
                    assert!((f32::from(red) - exact).abs() <= 1.0, "{color} {alpha} over {under}: {red}");
                    assert!(green >= 254 && red == blue && opacity == 255);
                }
            }
            let [red, ..] = dimmed([200, 0, 0, 255], alpha);
            assert!((f32::from(red) - 200.0 * f32::from(alpha) / 255.0).abs() < 1.5);
        }
        assert_eq!(over([9, 8, 7, 255], 0), [9, 8, 7, 255]);
        assert_eq!(over([9, 8, 7, 255], u32::from_le_bytes([1, 2, 3, 255])), [1, 2, 3, 255]);
    }
}
