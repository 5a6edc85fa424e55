// What this machine does per second, by two short measurements, for the times in bills.

import Shared

/// What this machine does per second.
package struct MachineSpeed: Sendable, Equatable {
  /// Floating-point operations per second of a matrix product.
  package let product: Double
  /// Bytes per second of a copy, read and written counted once each.
  package let copy: Double

  package init(product: Double, copy: Double) {
    self.product = product
    self.copy = copy
  }

  /// Measures both; takes well under a second.
  package static func measure() -> MachineSpeed {
    let size = 768
    let left = Matrix(rows: size, columns: size)
    var result = Matrix(rows: size, columns: size)
    let product = best(of: 3) {
      var target = result.mutableSpan
      Multiply.product(
        rows: size, columns: size, inner: size, left.span, .plain, left.span, .plain, into: &target)
    }
    let source = AlignedBuffer<Float>(count: 8 << 20)
    var target = AlignedBuffer<Float>(count: source.count)
    let copy = best(of: 3) {
      let from = source.span
      var to = target.mutableSpan
      for index in from.indices { to[index] = from[index] }
    }
    return MachineSpeed(
      product: 2 * Double(size * size * size) / product, copy: Double(8 * source.count) / copy)
  }

  private static func best(of count: Int, _ body: () -> Void) -> Double {
    (0..<count).map { _ in
      let start = System.uptime
      body()
      return max(System.uptime - start, 1e-9)
    }.min() ?? 1
  }
}
