//! Actions of clones.

use crate::create::Planned;
use crate::index::ResourceIx;

/// Creates a clone's actions and those of its instances.
pub(crate) fn create(planned: &mut Planned, rsc: ResourceIx) {
    for instance in planned.cluster()[rsc].children.clone() {
        planned.create(instance);
    }
}
