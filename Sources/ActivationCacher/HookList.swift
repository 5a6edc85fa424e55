// The verb `hooks`: every hook point of a model with the shape of its rows, and the modules of
// transformers that write the same.

package import Shared

package struct HookList: Sendable {
  private struct Line {
    let point: HookPoint
    /// Other names of the same place.
    var modules: [String]
  }

  private let model: ModelDescription
  private let lines: [Line]

  package init(_ model: ModelDescription) {
    self.model = model
    var lines = HookPoint.all(in: model).map { Line(point: $0, modules: []) }
    var places: [HookPoint: Int] = [:]
    for (index, line) in lines.enumerated() { places[line.point] = index }
    for module in HookPoint.modules(in: model) {
      let place = HookPoint(module.site, layer: module.layer)
      if let index = places[place] {
        lines[index].modules.append(module.name)
      } else {
        places[place] = lines.count
        lines.append(Line(point: module, modules: []))
      }
    }
    self.lines = lines
  }

  /// One line per hook point: its name, its shape and the modules of the same output.
  package var text: String {
    let width = lines.map(\.point.name.count).max() ?? 0
    let shapes = lines.map { $0.point.shapeText(in: model) }
    let shapeWidth = shapes.map(\.count).max() ?? 0
    func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: width - text.count)
    }
    return zip(lines, shapes).map { line, shape in
      let start = padded(line.point.name, width) + "  "
      return line.modules.isEmpty
        ? start + shape + "\n"
        : start + padded(shape, shapeWidth) + "  " + line.modules.joined(separator: ", ") + "\n"
    }.joined()
  }

  /// A list of name, shape and modules; "context" stands for as many as a sequence has tokens.
  package var json: JSON {
    .array(
      lines.map { line in
        let shape = line.point.shape(in: model).map { dimension -> JSON in
          switch dimension {
          case .fixed(let size): .integer(size)
          case .context: .string("context")
          }
        }
        return .object([
          "name": .string(line.point.name), "shape": .array(shape),
          "modules": .array(line.modules.map { .string($0) }),
        ])
      })
  }
}
