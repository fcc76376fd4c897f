"""What an audit found, and how it prints."""

from dataclasses import dataclass

from rckeras.symmetry.windows import describe_lengths

EQUIVARIANT = "equivariant"
INVARIANT = "invariant"
MIRRORED = "mirrored"
BROKEN = "broken"
CONSTANT = "constant"
NOT_FINITE = "not finite"


@dataclass(frozen=True)
class LayerSymmetry:
    """What the audit measured of one layer.

    Attributes:
        name: Name of the layer; `model/layer` in a nested model.
        kind: Its class.
        output_shape: Shape of its output, without the batch.
        symmetry: `"equivariant"`, `"invariant"`, `"mirrored"`, `"broken"`,
            `"constant"` where the output hardly differs between sequences and nothing
            can be said, or `"not finite"`.
        training_symmetry: The same in training mode.
        error: Largest difference between strands relative to the largest output,
            in inference.
        reason: Why the symmetry breaks, where known.
    """

    name: str
    kind: str
    output_shape: tuple
    symmetry: str
    training_symmetry: str
    error: float
    reason: str | None


@dataclass(frozen=True)
class StrandReport:
    """Result of `audit_strand_symmetry`; prints as a table.

    Attributes:
        model: Name of the model.
        length: Length of the input, `None` if it has no length axis.
        symmetry: Of the model's outputs in inference, in the words of
            `LayerSymmetry`.
        error: Largest difference between the strands' outputs, relative to the
            largest output.
        layers: One `LayerSymmetry` per layer, in the order of computation; none if
            the model is not functional.
        symmetric_lengths: Nearest lengths below and above `length` at which all
            windows of the model would be symmetric (`None` where there is none), or
            `None` if all that could be followed are symmetric already.
    """

    model: str
    length: int | None
    symmetry: str
    error: float
    layers: tuple[LayerSymmetry, ...]
    symmetric_lengths: tuple[int | None, int | None] | None

    @property
    def first_break(self) -> LayerSymmetry | None:
        """The first layer that breaks the symmetry of the model in inference."""
        if self.symmetry in (EQUIVARIANT, INVARIANT, MIRRORED):
            return None
        return next((row for row in self.layers if row.symmetry == BROKEN), None)

    def __str__(self) -> str:
        lines = [
            f"Strand symmetry of '{self.model}': {self.symmetry} "
            f"(relative difference between strands {self.error:.1e})",
            *self._table(),
        ]
        first = self.first_break
        if first is not None:
            lines.append(
                f"First break: {first.name}: {first.reason or 'for unknown reasons'}."
            )
        lines += [
            f"Also: {row.name}: {row.reason}."
            for row in self.layers
            if row.reason and row is not first
        ]
        if first is None and any(row.symmetry == BROKEN for row in self.layers):
            lines.append("The asymmetric layers cancel each other.")
        if self.symmetric_lengths is not None:
            lines.append(
                f"Input lengths near {self.length} at which all windows are symmetric: "
                f"{describe_lengths(*self.symmetric_lengths)}."
            )
        return "\n".join(lines)

    def _table(self) -> list[str]:
        if not self.layers:
            return ["  Its layers cannot be followed: it is not a functional model."]
        rows = [("layer", "type", "output", "inference", "training")]
        for row in self.layers:
            shape = " x ".join(str(size) for size in row.output_shape)
            rows.append(
                (row.name, row.kind, shape, row.symmetry, row.training_symmetry)
            )
        widths = [
            max(len(cell) for cell in column) for column in zip(*rows, strict=True)
        ]
        return [
            "  "
            + "  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
