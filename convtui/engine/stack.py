"""A stack of layers laid over an image, layer by layer as a table: shapes, parameters, costs and fields.

Branches lie flat in it: each row names the rows that it reads, so that whoever goes through the rows once has
computed everything. A stack that does not fit its image still has the rows up to the layer that does not.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from operator import index

from convtui.engine.activations import Softmax
from convtui.engine.branches import Branches, Multiply
from convtui.engine.graph.operation import Cost, Failure, Graph, Op, Source
from convtui.engine.layer_operations import cost_of, failure_of, operation_of, tensor_of
from convtui.engine.layer_text import parse_layers
from convtui.engine.layers import BatchNorm, Image, Layer, LayerError, Linear, Shape
from convtui.engine.norm_layers import Norm
from convtui.engine.pool_layers import AdaptivePool, Pool
from convtui.engine.receptive import AxisField, ReceptiveField, joined
from convtui.engine.shown import Shown
from convtui.engine.spec import SpecError
from convtui.engine.upsample import Upsample
from convtui.engine.window_layers import Axes, Conv, ConvTranspose, Depthwise, Window, WindowSpec


@dataclass(frozen=True)
class Node:
    """A layer, the numbers of those whose outputs it reads, and which path it is on at each nesting.

    Numbers count from 1; 0 is the image.
    """

    layer: Layer
    inputs: tuple[int, ...]
    branch: tuple[int, ...]


@dataclass(frozen=True)
class Row(Node):
    """A layer as it is for one image: its number, its (first) input's shape, its output's, its fields."""

    number: int
    input_shape: Shape
    output_shape: Shape
    field: ReceptiveField
    notes: tuple[str, ...] = ()
    input_shapes: tuple[Shape, ...] = ()

    @property
    def axes(self) -> Axes | None:
        """How the layer's windows lie along its input's rows and columns, if it has windows."""
        return self.layer.axes(self.input_shape) if isinstance(self.layer, Window) else None

    @property
    def parameter_shapes(self) -> dict[str, Shape]:
        """Shapes of the trainable parameters by PyTorch's names."""
        return self.layer.parameters(self.input_shape)

    @property
    def weight_shapes(self) -> dict[str, Shape]:
        """Shapes of the trainable parameters, and of the running statistics of a batch norm."""
        if not isinstance(self.layer, BatchNorm):
            return self.parameter_shapes
        channels = self.input_shape[:1]
        return {**self.parameter_shapes, "running_mean": channels, "running_var": channels}

    @property
    def output_maps(self) -> tuple[int, int, int]:
        """The output's shape as [channels, rows, columns]; features are maps of one cell."""
        channels, height, width = (*self.output_shape, 1, 1)[:3]
        return channels, height, width

    @property
    def parameters(self) -> int:
        """Number of trainable parameters."""
        return sum(map(prod, self.parameter_shapes.values()))

    @property
    def parameters_formula(self) -> str:
        """How the parameters are counted, as 8*(4*3*3)+8 = 296: filters, their weights, biases."""
        products = "+".join(_product(shape) for shape in self.parameter_shapes.values())
        return f"{products} = {self.parameters:,}" if products else "0"

    @property
    def memory(self) -> int:
        """Bytes that the output takes in float32."""
        return tensor_of(self.output_shape).memory

    @cached_property
    def operation(self) -> Op:
        """The layer as an operation of a graph, for a batch of one image."""
        return operation_of(self.number, self.layer, self.inputs, self.input_shapes, self.output_shape)

    @cached_property
    def cost(self) -> Cost:
        """Multiply-adds for one image, and how they are counted."""
        return cost_of(self.layer, self.input_shape, self.output_shape)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one image: positions times weights, in convolutions and linear layers."""
        return self.cost.multiply_adds


@dataclass(frozen=True)
class Summary(Shown):
    """The rows of a stack from the image (row 0) on, and why the first layer that does not fit does not."""

    rows: tuple[Row, ...]
    error: LayerError | None = None
    nodes: tuple[Node, ...] = ()  # as they were given, before they were laid over this image

    @property
    def parameters(self) -> int:
        """Number of trainable parameters of all rows."""
        return sum(row.parameters for row in self.rows)

    @property
    def memory(self) -> int:
        """Bytes that the outputs of all layers take in float32, without the image."""
        return sum(row.memory for row in self.rows[1:])

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all rows for one image."""
        return sum(row.multiply_adds for row in self.rows)

    @property
    def graph(self) -> Graph:
        """The rows as a graph: operation n is row n; the layer that does not fit is its failure."""
        return graph_of(self.rows, self._failure)

    @property
    def _failure(self) -> Failure | None:
        if self.error is None:
            return None
        node = self.nodes[self.error.number - 1]
        shapes = [self.rows[i].output_shape for i in node.inputs]
        try:
            node.layer.over(shapes[0]).output_shape(*shapes)
        except SpecError as error:
            return failure_of(self.error.number, node.layer, node.inputs, shapes, error)
        return None


def graph_of(rows: Sequence[Row], failure: Failure | None = None) -> Graph:
    """Rows from the image on as a graph; unless the next layer fails, the last is its output."""
    outputs = () if failure else (Source(rows[-1].number),)
    return Graph(tuple(row.operation for row in rows), outputs=outputs, failure=failure)


def nodes(layers: Sequence[Layer]) -> tuple[Node, ...]:
    """The layers in the order they are computed, those in branches before the layer that joins them."""
    flat: list[Node] = []
    _extend(flat, layers, 0, ())
    return tuple(flat)


def _extend(flat: list[Node], layers: Sequence[Layer], last: int, branch: tuple[int, ...]) -> int:
    """Append the layers, the first reading number last; the number of the final one."""
    for layer in layers:
        inputs = [last]
        if isinstance(layer, Branches):
            inputs = [_extend(flat, path, last, (*branch, i)) for i, path in enumerate(layer.paths)]
        flat.append(Node(layer, tuple(inputs), branch))
        last = len(flat)
    return last


def missing(rows: Sequence[Row], layer: int, computed: Container[int]) -> list[int]:
    """The numbers of the layers that must still be computed for this one, in order, itself included."""
    needed, numbers = {layer}, []
    for number in range(layer, -1, -1):
        if number in needed and number not in computed:
            needed.update(rows[number].inputs)
            numbers.append(number)
    return numbers[::-1]


def summarize(layers: str | Sequence[Layer], input_shape: Sequence[int]) -> Summary:
    """The stack over an image of shape [channels, rows, columns], as far as it fits.

    Raises SpecError for an impossible image, LayerError for a text that names no layers.
    """
    shape = _image_shape(input_shape)
    pixels = ReceptiveField(AxisField(count=shape[1]), AxisField(count=shape[2]))
    rows = [Row(Image(), (), (), 0, shape, shape, pixels)]
    flat = nodes(_parsed(layers))
    for number, node in enumerate(flat, 1):
        inputs = [rows[i] for i in node.inputs]
        shapes = [row.output_shape for row in inputs]
        try:
            layer = node.layer.over(shapes[0])
            output_shape = layer.output_shape(*shapes)
        except SpecError as error:
            return Summary(tuple(rows), _misfit(number, node.layer, shapes[0], error), flat)
        field = field_after(layer, [row.field for row in inputs], output_shape)
        notes = _notes(field, shape)
        rows.append(
            Row(
                layer,
                node.inputs,
                node.branch,
                number,
                shapes[0],
                output_shape,
                field,
                notes,
                tuple(shapes),
            )
        )
    return Summary(tuple(rows), nodes=flat)


def fits(layers: Sequence[Node], image: Shape) -> bool:
    """Whether nodes go over an image [channels, rows, columns], from the shapes alone."""
    shapes = [image]
    for node in layers:
        inputs = [shapes[i] for i in node.inputs]
        try:
            shapes.append(node.layer.over(inputs[0]).output_shape(*inputs))
        except SpecError:
            return False
    return True


class Fields(tuple[ReceptiveField, ...], Shown):
    """The receptive field of each layer of a stack, and the layers' titles."""

    layers: tuple[str, ...]

    def __new__(cls, fields: Iterable[ReceptiveField], layers: Sequence[str] = ()) -> "Fields":
        made = super().__new__(cls, fields)
        made.layers = (*layers,)
        return made


def receptive_field(layers: str | Sequence[Layer], input_shape: Sequence[int] | None = None) -> Fields:
    """The receptive field of each layer; layers in branches come before the layer that joins them.

    layers: Layer objects, or text such as "conv 3x3 8 s2 p1, relu, maxpool 2".
    input_shape: the image's (channels, rows, columns), needed only if a layer reads all of it (adaptive
    pooling, linear, norms but batch norm), pads by it (same-tf), or has fields that differ from cell to cell
    (convtranspose, upsample).
    Raises LayerError if input_shape is needed but missing, if a layer does not fit the image, or if the text
    is not a stack of layers.
    Source: Araujo et al. 2019, https://distill.pub/2019/computing-receptive-fields
    """
    layers = _parsed(layers)
    if input_shape is not None:
        summary = summarize(layers, input_shape)
        if summary.error:
            raise summary.error
        rows = summary.rows[1:]
        return Fields([row.field for row in rows], [row.layer.title for row in rows])
    fields, flat = [ReceptiveField()], nodes(layers)
    for number, node in enumerate(flat, 1):
        if why := _needs_image(node.layer):
            raise LayerError(number, node.layer.title, f"{why}: give input_shape (channels, rows, columns)")
        fields.append(field_after(node.layer, [fields[i] for i in node.inputs], ()))
    return Fields(fields[1:], [node.layer.title for node in flat])


def _needs_image(layer: Layer) -> str:
    """Why a layer's fields cannot be told without the image's size; "" if they can."""
    if isinstance(layer, AdaptivePool | Linear | Norm):
        return "reads the whole image"
    if isinstance(layer, Softmax):
        return "reads all features"
    if isinstance(layer, Window) and layer.spec.padding == "same-tf":
        return "pads by the image's size"
    if isinstance(layer, Upsample) or (isinstance(layer, ConvTranspose) and layer.spec.stride != (1, 1)):
        return "has fields that differ from cell to cell"
    return ""


def _parsed(layers: str | Sequence[Layer]) -> Sequence[Layer]:
    return parse_layers(layers) if isinstance(layers, str) else layers


def _image_shape(shape: Sequence[int]) -> Shape:
    numbers = tuple(index(number) for number in shape)
    if len(numbers) != 3 or min(numbers) < 1:
        raise SpecError("input_shape", numbers, "must be (channels, rows, columns), each at least 1")
    return numbers


def field_after(layer: Layer, fields: Sequence[ReceptiveField], output_shape: Shape) -> ReceptiveField:
    """A layer's fields from its inputs'; the output's shape is empty while the image's is not known."""
    first = fields[0]
    match layer:
        case Multiply() if len(output_shape) == 3:
            _, rows, columns = output_shape
            return joined([field.spread((rows, columns)) for field in fields])
        case Branches():
            return joined([field.whole for field in fields] if len(output_shape) == 1 else fields)
        case ConvTranspose():
            return first.transposed(layer.spec)
        case Conv() | Depthwise() | Pool():
            _, rows, columns = output_shape or (1, 1, 1)
            return first.through(layer.spec, (rows, columns))
        case AdaptivePool():
            return first.adaptive(layer.output_size)
        case Upsample():
            return first.over(*layer.windows((1, first.rows.count, first.columns.count)))
        case Norm() if len(output_shape) == 3:
            return first.everywhere
        case Linear() | Norm():
            return first.whole
        case Softmax() if len(output_shape) == 1:
            return first.whole
        case _:
            return replace(first, misaligned="")


def _notes(field: ReceptiveField, image: Shape) -> tuple[str, ...]:
    (rows, columns), (_, height, width) = field.size, image
    clipped = f"the {rows}x{columns} field is larger than the image and is clipped to {height}x{width}"
    return (*([clipped] if rows > height or columns > width else []), *filter(None, [field.misaligned]))


def _misfit(number: int, layer: Layer, shape: Shape, error: SpecError) -> LayerError:
    formula = _formula(layer.spec, shape) if isinstance(layer, Window) and len(shape) == 3 else ""
    return LayerError(number, layer.title, f"{error}{formula}")


def _formula(spec: WindowSpec, shape: Shape) -> str:
    """The output size's formula along the first axis that the window does not fit."""
    for axis in spec.over(*shape[1:]).laid(*shape[1:]):
        if axis.output < 1:
            return f"; {axis.name}: {axis.formula.replace('-', '−')}"
    return ""


def _product(shape: Shape) -> str:
    first, *rest = map(str, shape)
    factors = f"({'*'.join(rest)})" if len(rest) > 1 else "".join(rest)
    return f"{first}*{factors}" if factors else first
