"""Says which images hold text, and which could not be read. What the text says is for the other detectors."""

from __future__ import annotations

from collections.abc import Iterable

from guardhouse.detectors.base import Evidence, Needs
from guardhouse.errors import DetectorFailed, NotExecuted
from guardhouse.model.finding import Finding
from guardhouse.model.recipe import DetectorSetting


class ImageDetector:
    """One finding for every judged image that holds text, a code that can be read or strings beside its pixels.

    The findings have no span: the text itself is judged by all detectors, with the image's path.
    """

    name = "image"
    kinds = frozenset({"IMAGE_TEXT"})
    option_names: frozenset[str] = frozenset()

    def needs(self, setting: DetectorSetting) -> Needs:
        """Nothing: images are read before anything else."""
        return Needs()

    def find(self, evidence: Evidence, setting: DetectorSetting) -> Iterable[Finding]:
        """As the class says. Raises `DetectorFailed` when one of the images, or a part of one, could not be read, and
        `NotExecuted` when one is not to be read."""
        for reason, error in (("unread", DetectorFailed), ("unwanted", NotExecuted)):
            reasons = [getattr(image, reason) for image in evidence.images if getattr(image, reason)]
            if reasons:
                raise error(f"{len(reasons)} of {len(evidence.images)} images not wholly read: {reasons[0]}")
        return [Finding(self.name, "IMAGE_TEXT", 1.0, image.path) for image in evidence.images if image.lines]
