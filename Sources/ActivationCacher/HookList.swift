// The verb `hooks`: every hook point of a model with the shape of its rows.

package import Shared

package struct HookList: Sendable {
  private let model: ModelDescription

  package init(_ model: ModelDescription) { self.model = model }

  /// One line per hook point: its name and its shape.
  package var text: String {
    let points = HookPoint.all(in: model)
    let width = points.map(\.name.count).max() ?? 0
    return points.map { point in
      let padding = String(repeating: " ", count: width - point.name.count)
      return "\(point.name)\(padding)  \(point.shapeText(in: model))\n"
    }.joined()
  }

  /// A list of name and shape; "context" stands for as many as a sequence has tokens.
  package var json: JSON {
    .array(
      HookPoint.all(in: model).map { point in
        let shape = point.shape(in: model).map { dimension -> JSON in
          switch dimension {
          case .fixed(let size): .integer(size)
          case .context: .string("context")
          }
        }
        return .object(["name": .string(point.name), "shape": .array(shape)])
      })
  }
}
