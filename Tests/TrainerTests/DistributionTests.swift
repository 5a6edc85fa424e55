import Shared
import Testing

import Trainer

/// What `wandb.Histogram(numpy.array(values, numpy.float32), num_bins=…)` makes (wandb 0.31.0, numpy 2.4.6).
private let published: [([Float], bins: Int, json: String)] = [
  (
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.55], 4,
    """
    {"_type":"histogram","bins":[0.10000000149011612,0.21250000596046448,0.32500001788139343,0.4375,\
    0.550000011920929],"values":[2,1,1,2]}
    """
  ),
  ([2, 2, 2], 2, #"{"_type":"histogram","bins":[1.5,2,2.5],"values":[0,3]}"#),
  ([-1, 0, 1, 3], 4, #"{"_type":"histogram","bins":[-1,0,1,2,3],"values":[1,1,1,1]}"#),
  ([], 2, #"{"_type":"histogram","bins":[0,0.5,1],"values":[0,0]}"#),
  (
    (0...10).map { Float(0.1 * Double($0)) }, 10,
    """
    {"_type":"histogram","bins":[0,0.10000000149011612,0.20000000298023224,0.30000001192092896,\
    0.4000000059604645,0.5,0.6000000238418579,0.699999988079071,0.800000011920929,\
    0.9000000357627869,1],"values":[1,1,1,1,1,1,1,1,2,1]}
    """
  ),
]

@Suite("Histograms")
struct DistributionTests {
  @Test("Bins and counts are those of W&B's client", arguments: published)
  func wandb(values: [Float], bins: Int, json: String) throws {
    let distribution = try #require(Distribution(values, binCount: bins))
    #expect(distribution.json.canonical == json)
    #expect(distribution.total == values.count)
  }

  @Test("There are 64 bins where nothing else is said")
  func bins() throws {
    let distribution = try #require(Distribution((0..<1000).map { Float($0) }))
    #expect(distribution.counts.count == 64)
    #expect(distribution.edges.first == 0 && distribution.edges.last == 999)
    #expect(distribution.total == 1000)
  }

  @Test(
    "Values that are not finite, or too far apart, have no histogram",
    arguments: [
      [1, .nan], [.infinity], [-.greatestFiniteMagnitude, .greatestFiniteMagnitude],
    ] as [[Float]])
  func notFinite(values: [Float]) { #expect(Distribution(values) == nil) }

  @Test("What is no histogram is not read as one")
  func foreign() throws {
    for text in [
      #"{"_type":"image","bins":[0,1],"values":[1]}"#,
      #"{"_type":"histogram","bins":[0,1],"values":[1,2]}"#,
      #"{"_type":"histogram","bins":[0,"a"],"values":[1]}"#,
      #"{"_type":"histogram","bins":[0],"values":[]}"#, #"{"bins":[0,1],"values":[1]}"#, "3",
    ] {
      #expect(Distribution(try JSON(parsing: Array(text.utf8))) == nil, "\(text)")
    }
  }

  @Test("Every histogram has a name of its own, and unknown names are kept")
  func names() {
    let names = HistogramFigure.all.map(\.name)
    #expect(
      names == [
        "plots/feature_density_line_chart", "weights/W_dec_norms", "weights/b_e", "weights/b_gate",
        "weights/b_mag",
      ])
    for figure in HistogramFigure.all { #expect(HistogramFigure.named(figure.name) == figure) }
    #expect(HistogramFigure.named("weights/other").title == "weights/other")
  }
}
