"""Values that do not depend on the network: classes, channels, folds."""

from __future__ import annotations

from iac_components.bundling.own_data.decisions.rule import MEASURED, NNUNET, STATED, Choice
from iac_components.bundling.own_data.reading.facts import DatasetFacts

__all__ = ["choose_classes", "choose_folds"]

NUM_FOLDS = 5


def choose_classes(facts: DatasetFacts) -> list[Choice]:
    """Name the classes and their values, regions if there are any, and count the channels."""
    classes, stated = facts.classes, facts.description.classes is not None
    where = facts.description.file if stated else "the label maps, which nothing names"
    source = STATED if stated else MEASURED
    made = [Choice("class_names", list(classes.names), where, source)]
    if classes.mapping:
        made.append(
            Choice(
                "label_values", classes.label_values, f"values in the files, from {where}", source
            )
        )
    if classes.regions is not None:
        regions = {name: list(numbers) for name, numbers in classes.regions.items()}
        reason = "scored; the classes are the parts that they cut each other into"
        made.append(Choice("regions", regions, reason, source))
    made.append(Choice("in_channels", facts.geometry.num_channels, *_channels_reason(facts)))
    return made


def choose_folds(facts: DatasetFacts) -> Choice:
    """Take the data set's own folds, else five, or one a patient where they are fewer."""
    patients = f"{facts.num_patients} patients in {len(facts.cases)} cases"
    if facts.num_stated_folds:
        return Choice("num_folds", facts.num_stated_folds, f"the list's folds; {patients}", STATED)
    return Choice("num_folds", min(NUM_FOLDS, facts.num_patients), patients, NNUNET)


def _channels_reason(facts: DatasetFacts) -> tuple[str, str]:
    stated = facts.description.channel_names
    if stated and len(stated) == facts.geometry.num_channels:
        return ", ".join(stated), STATED
    return "counted in the images", MEASURED
