// The errors of a row's reconstructions; both passes go through here.

import Shared

extension StepReads {
  /// Fills the reconstructions of a row `[R, o]`; `add` adds what one has beyond where it starts.
  func reconstruct(
    _ row: Int, _ errors: inout MutableSpan<Float>,
    _ add: (_ number: Int, _ target: inout MutableSpan<Float>) -> Void
  ) {
    let width = configuration.dOut
    for (number, reconstruction) in configuration.reconstructions.enumerated() {
      if reconstruction.continues {
        for column in 0..<width {
          errors[number * width + column] = errors[(number - 1) * width + column]
        }
      }
      errors.withSlice(number * width..<(number + 1) * width) { target in
        if !reconstruction.continues { decoding.start(row, &target) }
        add(number, &target)
      }
    }
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
