// The names of all cases. Comes in: a name and sizes. Leaves: the case, ready to run.

import Shared

enum CaseList {
  private typealias Making = (Sizes) throws -> any Case

  static var names: [String] { entries.map(\.name) }

  static func make(_ name: String, _ sizes: Sizes) throws -> any Case {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw CaseError(sentence: "There is no case \(name).")
    }
    return try entry.make(sizes)
  }

  private static var entries: [(name: String, make: Making)] {
    kernels + steps + [
      ("pass", { try PassCase($0) }),
      ("tokens-known", { try TextCase(.known, $0) }),
      ("tokens-new", { try TextCase(.new, $0) }),
    ]
  }

  private static var kernels: [(name: String, make: Making)] {
    [
      (
        "product-encode",
        {
          ProductCase(
            .openBLAS, rows: $0.rows, columns: $0.dSae, inner: $0.dIn, .plain, .transposed)
        }
      ),
      (
        "product-plain",
        { ProductCase(.openBLAS, rows: $0.rows, columns: $0.dSae, inner: $0.dIn, .plain, .plain) }
      ),
      (
        "product-gradient",
        {
          ProductCase(
            .openBLAS, rows: $0.dSae, columns: $0.dIn, inner: $0.rows, .transposed, .plain)
        }
      ),
      (
        "product-chains",
        {
          ProductCase(.chains, rows: $0.dSae, columns: $0.dIn, inner: $0.rows, .transposed, .plain)
        }
      ),
      ("adam", { AdamCase($0) }),
      ("shard-float32", { ShardCase(.float32, $0) }),
      ("shard-bfloat16", { ShardCase(.bfloat16, $0) }),
      ("shard-int8", { ShardCase(.int8, $0) }),
      (
        "dot",
        { VectorCase($0, passes: 2) { row, target in target[0] = Vector.dot(row, target.span) } }
      ),
      ("add", { VectorCase($0, passes: 3) { Vector.add(1e-3, $0, to: &$1) } }),
      (
        "layer-norm",
        {
          VectorCase($0, passes: 2) { _ = Kernels.normalize($0, .layer, epsilon: 1e-5, into: &$1) }
        }
      ),
      ("softmax", { VectorCase($0, passes: 2) { _, target in Kernels.softmax(&target) } }),
      ("gelu", { VectorCase($0, passes: 2) { _, target in Kernels.activate(.geluTanh, &target) } }),
    ]
  }

  private static var steps: [(name: String, make: Making)] {
    Architecture.allCases.map { architecture in
      ("step-\(architecture.rawValue)", { StepCase(architecture, .sparse, $0) })
    } + [
      ("step-standard-dense", { StepCase(.standard, .dense, $0) }),
      ("step-topk-reviving", { StepCase(.topk, .reviving, $0) }),
    ]
  }
}
