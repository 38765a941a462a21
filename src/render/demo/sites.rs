//! Where the bomb sites are: as the demo says, else where the bomb was planted.

use awpy::{Context, Entity};

use crate::render::scene::{CELL_UNITS, Ground};

use super::keys::{Fields, Key, PLANTED, PlaceKeys, RESOURCE};

/// Distance in cells within which somebody stood near the center of a site. A demo may be assembled from parts of
/// another one, of another map.
const WALKED_CELLS: i32 = 12;
/// Distance in map units between the center of a site and the middle of its plants.
const SITE_UNITS: f32 = 800.0;

/// Collects what a demo tells about its bomb sites.
#[derive(Default)]
pub(super) struct Sites {
    keys: Option<SiteKeys>,
    centers: [Option<[f32; 3]>; 2],
    /// Sum and number of the plants of each site.
    plants: [([f64; 3], u32); 2],
    /// The last planted bomb.
    last: Option<(i32, u32)>,
}

struct SiteKeys {
    centers: [Key; 2],
    place: PlaceKeys,
    site: Key,
}

impl SiteKeys {
    fn of(context: &Context) -> Self {
        let (resource, planted) = (Fields::of(context, RESOURCE), Fields::of(context, PLANTED));
        Self {
            centers: ["m_bombsiteCenterA", "m_bombsiteCenterB"].map(|name| resource.key(name)),
            place: PlaceKeys::of(&planted),
            site: planted.key("m_nBombSite"),
        }
    }
}

impl Sites {
    /// Updates from the entity that knows the centers.
    pub fn resource(&mut self, context: &Context, entity: &Entity) {
        let keys = self.keys.get_or_insert_with(|| SiteKeys::of(context));
        let center = |key| Some(entity.get_vector3(key)).filter(|at| at.iter().all(|it| it.is_finite()));
        self.centers = keys.centers.map(|key| center(key).filter(|at| *at != [0.0; 3]));
    }

    /// Updates from a planted bomb.
    pub fn planted(&mut self, context: &Context, entity: &Entity) {
        let keys = self.keys.get_or_insert_with(|| SiteKeys::of(context));
        let id = Some((entity.index, entity.serial));
        let Some(at) = keys.place.read(entity).filter(|_| self.last != id) else { return };
        self.last = id;
        let (sum, count) = &mut self.plants[usize::from(entity.get_i64(keys.site) == 1)];
        sum.iter_mut().zip(at).for_each(|(sum, at)| *sum += f64::from(at));
        *count += 1;
    }

    /// The centers of A and B.
    pub fn finish(&self, ground: &Ground) -> [Option<[f32; 3]>; 2] {
        [0, 1].map(|site| {
            let (sum, count) = self.plants[site];
            let plants = (count > 0).then(|| sum.map(|sum| (sum / f64::from(count)) as f32));
            let agrees = |at: &[f32; 3]| plants.is_none_or(|it| (it[0] - at[0]).hypot(it[1] - at[1]) < SITE_UNITS);
            self.centers[site].filter(|at| walked(ground, *at)).filter(agrees).or(plants)
        })
    }
}

/// Whether anybody stood near a place.
fn walked(ground: &Ground, [x, y, _]: [f32; 3]) -> bool {
    let near = |at: f32| {
        let cell = (at / CELL_UNITS).floor() as i32;
        cell.saturating_sub(WALKED_CELLS)..=cell.saturating_add(WALKED_CELLS)
    };
    near(x).any(|x| near(y).any(|y| ground.cells.contains_key(&(x, y))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::scene::{Cell, Level};

    #[test]
    fn center_counts_if_it_is_on_this_map_and_agrees_with_the_plants() {
        let mut ground = Ground::default();
        ground.cells.insert((10, 10), Cell { low: Level { dwell: 1, z_min: 0.0, z_max: 0.0 }, high: None });
        let (here, elsewhere) = ([100.0, 90.0, 5.0], [1_112.0, 2_480.0, 144.0]);
        // The demo's center, sum and number of plants; the site.
        for (center, plants, expected) in [
            (None, ([0.0; 3], 0), None),
            (Some(here), ([0.0; 3], 0), Some(here)),
            (Some(here), ([600.0, 0.0, 0.0], 2), Some(here)),
            (Some(here), ([4_000.0, 0.0, 0.0], 2), Some([2_000.0, 0.0, 0.0])),
            (Some(elsewhere), ([0.0; 3], 0), None),
            (Some(elsewhere), ([1_112.0, 2_480.0, 100.0], 1), Some([1_112.0, 2_480.0, 100.0])),
            (Some([f32::MAX; 3]), ([0.0; 3], 0), None),
        ] {
            let sites = Sites { centers: [None, center], plants: [([0.0; 3], 0), plants], ..Sites::default() };
            assert_eq!(sites.finish(&ground), [None, expected], "{center:?} {plants:?}");
        }
    }
}
