// Which way of screening runs. Comes in: SAELINE_SCREENING, and what this processor can do. Leaves: the
// way that was measured to be the fastest. It changes the time of a result, never a bit of it.

import Foundation

/// Why screening cannot be chosen.
package enum ScreeningError: Failure, Equatable {
  case unknown(wish: String)
  case unavailable(wish: String)

  package var sentence: String {
    switch self {
    case .unknown(let wish): "SAELINE_SCREENING is \"\(wish)\", which is no way of screening."
    case .unavailable(let wish):
      "SAELINE_SCREENING is \"\(wish)\", which this processor cannot run."
    }
  }

  package var hint: String? {
    switch self {
    case .unknown:
      "Say off or one of " + ScreeningKind.allCases.map(\.name).joined(separator: ", ") + "."
    case .unavailable: "Leave it unset: the fastest way of this processor is then taken."
    }
  }
}

/// The choice among the ways of screening.
package enum ScreeningChoice {
  /// What SAELINE_SCREENING says; nil where it is unset or empty.
  private static let wish = stated(ProcessInfo.processInfo.environment["SAELINE_SCREENING"])

  package static func stated(_ value: String?) -> String? { value == "" ? nil : value }

  /// The way of screening in this process; nil where every product is one of float32.
  package static let kind = chosen(wish) { fastest(measure()) }

  /// What a wish that can be followed says, which may be no screening, else the fastest way.
  package static func chosen(
    _ wish: String?, fastest: () -> ScreeningKind?
  ) -> ScreeningKind? {
    guard let wish else { return fastest() }
    do { return try wished(wish) } catch { return fastest() }
  }

  /// The way for rows of so many elements; nil where there is none.
  package static func kind(dIn: Int) -> ScreeningKind? {
    dIn <= ScreeningOperands.widthLimit ? kind : nil
  }

  /// The word for the way in bills and logs.
  package static func name(dIn: Int) -> String { kind(dIn: dIn)?.name ?? "off" }

  /// Throws where SAELINE_SCREENING cannot be followed.
  package static func check() throws(ScreeningError) {
    if let wish { _ = try wished(wish) }
  }

  /// The way that a word stands for; nil for `off`.
  package static func wished(_ wish: String) throws(ScreeningError) -> ScreeningKind? {
    if wish == "off" { return nil }
    guard let kind = ScreeningKind.allCases.first(where: { $0.name == wish }) else {
      throw .unknown(wish: wish)
    }
    guard kind.isAvailable else { throw .unavailable(wish: wish) }
    return kind
  }

  /// The fastest way; nil where none takes less time than products of float32.
  static func fastest(_ measured: ScreeningSpeeds) -> ScreeningKind? {
    guard let best = measured.screening.min(by: { $0.seconds < $1.seconds }),
      best.seconds < measured.float32
    else { return nil }
    return best.kind
  }

  /// Measures a tile in every way that this processor can run.
  private static func measure() -> ScreeningSpeeds {
    let (rows, latents, inner) = (96, 256, 1024)
    let a = Matrix(rows: rows, columns: inner)
    let b = Matrix(rows: latents, columns: inner)
    var tile = Matrix(rows: rows + ScreeningOperands.rowPadding, columns: latents)
    let kinds = ScreeningKind.allCases.filter(\.isAvailable)
    return ScreeningSpeeds(
      float32: best {
        var result = tile.mutableSpan
        DotProduct.product(
          rows: rows, columns: latents, inner: inner, a.span, b.span, into: &result,
          stride: latents)
      },
      screening: kinds.map { kind in
        let operands = ScreeningOperands(kind, rows: rows, dIn: inner, dSae: latents)
        let seconds = best {
          var result = tile.mutableSpan
          Screening(operands).fill(
            &result, stride: latents, rows: 0..<rows, latents: 0..<latents)
        }
        return (kind, seconds)
      })
  }

  private static func best(_ body: () -> Void) -> Double {
    (0..<5).map { _ in
      let start = System.uptime
      body()
      return System.uptime - start
    }.min() ?? 0
  }
}

/// Seconds of a product, by the way that it is computed.
struct ScreeningSpeeds {
  let float32: Double
  let screening: [(kind: ScreeningKind, seconds: Double)]
}
