// The errors of a row's reconstructions; both passes go through here.

import Shared

extension StepReads {
  /// Starts a reconstruction of a row in `errors` `[B · R, o]` and lends it for what it adds: from b_dec,
  /// or from the one before it.
  @_lifetime(copy errors)
  func begin(_ row: Int, _ number: Int, in errors: Disjoint<Float>) -> MutableSpan<Float> {
    let width = configuration.dOut
    let start = (row * configuration.reconstructions.count + number) * width
    var target = errors.slice(start..<start + width)
    guard configuration.reconstructions[number].continues else {
      decoding.start(row, &target)
      return target
    }
    let before = errors.slice(start - width..<start)
    for column in 0..<width { target[column] = before[column] }
    return target
  }

  /// Turns the reconstructions of a row into errors and their squared norms; then each error into the
  /// sum of its own and those that continue it, which is what its latents learn from.
  func subtractTarget(
    _ row: Int, _ errors: inout MutableSpan<Float>, _ squared: inout MutableSpan<Double>
  ) {
    let width = configuration.dOut
    let reconstructions = configuration.reconstructions
    let (scale, shift) = (targetScale[row], targetShift[row])
    let target = targets.extracting(row * width..<(row + 1) * width)
    for number in reconstructions.indices {
      squared[number] = errors.withSlice(number * width..<(number + 1) * width) { part in
        if scale == 1, shift == 0 {
          for column in 0..<width { part[column] -= target[column] }
        } else {
          for column in 0..<width { part[column] -= target[column] * scale + shift }
        }
        return Vector.squaredNorm(part.span)
      }
    }
    for number in reconstructions.indices.dropLast().reversed()
    where reconstructions[number + 1].continues {
      for column in 0..<width {
        errors[number * width + column] += errors[(number + 1) * width + column]
      }
    }
  }
}
