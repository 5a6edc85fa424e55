// A GPT-2 as plain loops in Double, one formula per line, whose activations a test may look at or
// replace at TransformerLens's hook points. Weights come from a folder of one safetensors file.

import Foundation
import Shared

package struct NaiveGPT2 {
  package typealias Rows = [[Double]]
  /// May change the rows `[tokens][columns]` of a hook point, by its name.
  package typealias Visitor = (_ hook: String, _ rows: inout Rows) -> Void

  private let width: Int
  private let heads: Int
  private let layers: Int
  private let round: (Double) -> Double
  private var tensors: [String: [Double]] = [:]

  /// - Parameters:
  ///   - folder: the model's.
  ///   - round: what happens to the factors of products of matrices.
  /// - Throws: what is wrong with its files.
  package init(_ folder: String, round: @escaping (Double) -> Double = { $0 }) throws {
    self.round = round
    let json = try JSON(parsing: MappedFile.contents(folder + "/config.json"))
    width = json["n_embd"]?.integer ?? 0
    heads = json["n_head"]?.integer ?? 0
    layers = json["n_layer"]?.integer ?? 0
    let file = try SafetensorsFile.open(folder + "/model.safetensors")
    for entry in file.header.tensors.values {
      var values = [Float](repeating: 0, count: entry.count)
      var span = values.mutableSpan
      file.readFloats(entry, into: &span)
      tensors[String(entry.name.trimmingPrefix("transformer."))] = values.map { Double($0) }
    }
  }

  /// The logits of one sequence.
  package func logits(_ tokens: [UInt32], _ visit: Visitor) -> Rows {
    func shown(_ hook: String, _ rows: Rows) -> Rows {
      var rows = rows
      visit(hook, &rows)
      return rows
    }
    let embedded = shown("hook_embed", tokens.map { row("wte.weight", Int($0)) })
    let places = shown("hook_pos_embed", tokens.indices.map { row("wpe.weight", $0) })
    var stream = sum(embedded, places)
    for layer in 0..<layers {
      let (name, block) = ("blocks.\(layer).", "h.\(layer).")
      stream = shown(name + "hook_resid_pre", stream)
      let first = affine(
        shown(name + "ln1.hook_normalized", normalized(stream)), block + "ln_1")
      let mixed = shown(name + "attn.hook_z", attention(first, block, name, shown))
      let added = shown(name + "hook_attn_out", written(mixed, block, name, shown))
      stream = shown(name + "hook_resid_mid", sum(stream, added))
      let second = affine(
        shown(name + "ln2.hook_normalized", normalized(stream)), block + "ln_2")
      let before = shown(name + "mlp.hook_pre", product(second, block + "mlp.c_fc"))
      let after = shown(name + "mlp.hook_post", before.map { $0.map(NaiveGPT2.gelu) })
      let written = shown(name + "hook_mlp_out", product(after, block + "mlp.c_proj"))
      stream = shown(name + "hook_resid_post", sum(stream, written))
    }
    let last = shown("ln_final.hook_normalized", normalized(stream))
    let end = shown("unembed.hook_in", affine(last, "ln_f"))
    let vocabulary = (tensors["wte.weight"]?.count ?? 0) / width
    return shown(
      "unembed.hook_out",
      end.map { row in
        (0..<vocabulary).map { token in rounded(row, self.row("wte.weight", token)) }
      })
  }

  /// softmax(q·kᵀ / √h)·v of every head, side by side.
  private func attention(
    _ rows: Rows, _ block: String, _ name: String, _ shown: (String, Rows) -> Rows
  ) -> Rows {
    let all = product(rows, block + "attn.c_attn")
    func part(_ index: Int, _ letter: String) -> Rows {
      shown(
        name + "attn.hook_" + letter, all.map { Array($0[index * width..<(index + 1) * width]) })
    }
    let (queries, keys, values) = (part(0, "q"), part(1, "k"), part(2, "v"))
    let (size, count) = (width / heads, rows.count)
    let pattern = rows.indices.map { token in
      (0..<heads).flatMap { head -> [Double] in
        let columns = head * size..<(head + 1) * size
        let scores = (0...token).map {
          rounded(Array(queries[token][columns]), Array(keys[$0][columns]))
            / Double(size).squareRoot()
        }
        return NaiveGPT2.softmax(scores) + Array(repeating: 0, count: count - token - 1)
      }
    }
    return shown(name + "attn.hook_pattern", pattern).map { weights in
      (0..<width).map { column in
        (0..<count).reduce(0) {
          $0 + round(weights[column / size * count + $1]) * round(values[$1][column])
        }
      }
    }
  }

  /// What attention adds to the stream: the results of all heads and a bias.
  private func written(
    _ mixed: Rows, _ block: String, _ name: String, _ shown: (String, Rows) -> Rows
  ) -> Rows {
    let weights = tensors[block + "attn.c_proj.weight"] ?? []
    let bias = tensors[block + "attn.c_proj.bias"] ?? []
    let size = width / heads
    let results = mixed.map { row in
      (0..<heads * width).map { place in
        (0..<size).reduce(0) { sum, index in
          let input = place / width * size + index
          return sum + round(row[input]) * round(weights[input * width + place % width])
        }
      }
    }
    return shown(name + "attn.hook_result", results).map { row in
      (0..<width).map { column in
        (0..<heads).reduce(bias[column]) { $0 + row[$1 * width + column] }
      }
    }
  }

  private func row(_ name: String, _ index: Int) -> [Double] {
    Array((tensors[name] ?? [])[index * width..<(index + 1) * width])
  }

  private func sum(_ left: Rows, _ right: Rows) -> Rows {
    zip(left, right).map { zip($0, $1).map { $0 + $1 } }
  }

  private func rounded(_ left: [Double], _ right: [Double]) -> Double {
    zip(left, right).reduce(0) { $0 + round($1.0) * round($1.1) }
  }

  private func normalized(_ rows: Rows) -> Rows {
    rows.map { row in
      let mean = row.reduce(0, +) / Double(row.count)
      let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
      return row.map { ($0 - mean) / (variance + 1e-5).squareRoot() }
    }
  }

  private func affine(_ rows: Rows, _ name: String) -> Rows {
    let (gain, bias) = (tensors[name + ".weight"] ?? [], tensors[name + ".bias"] ?? [])
    return rows.map { row in row.indices.map { row[$0] * gain[$0] + bias[$0] } }
  }

  /// x·W + b, W `[inputs, outputs]`.
  private func product(_ rows: Rows, _ name: String) -> Rows {
    let (weights, bias) = (tensors[name + ".weight"] ?? [], tensors[name + ".bias"] ?? [])
    return rows.map { row in
      bias.indices.map { output in
        row.indices.reduce(bias[output]) {
          $0 + round(row[$1]) * round(weights[$1 * bias.count + output])
        }
      }
    }
  }

  private static func gelu(_ x: Double) -> Double {
    0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
  }

  package static func softmax(_ scores: [Double]) -> [Double] {
    let top = scores.max() ?? 0
    let powers = scores.map { exp($0 - top) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }
}

/// Losses of predictions as their formulas read.
package enum NaiveLoss {
  /// −ln p(next) of each token that another one follows.
  package static func crossEntropy(_ logits: [[Double]], _ tokens: [UInt32]) -> [Double] {
    zip(logits, tokens.dropFirst()).map { row, next in -log(NaiveGPT2.softmax(row)[Int(next)]) }
  }

  /// Σ p·ln(p / q) of each token.
  package static func divergence(_ logits: [[Double]], _ others: [[Double]]) -> [Double] {
    zip(logits, others).map { row, other in
      zip(NaiveGPT2.softmax(row), NaiveGPT2.softmax(other)).reduce(0) {
        $0 + $1.0 * (log($1.0) - log($1.1))
      }
    }
  }
}
