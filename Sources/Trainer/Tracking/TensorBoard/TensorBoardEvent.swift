// Events as TensorBoard reads them: tensorboard/compat/proto/event.proto and summary.proto. Comes in: a
// line of a run's log and its time. Leaves: the bytes of an Event message.

/// One event; `time` in seconds since 1970.
struct TensorBoardEvent {
  /// What the content of a file is.
  private static let version = "brain.Event:2"
  private static let writer = "saeline"

  let bytes: [UInt8]

  private init(time: Double, step: Int = 0, _ fill: (inout ProtocolBuffer) -> Void) {
    var event = ProtocolBuffer()
    event.put(1, time)
    event.put(2, step)
    fill(&event)
    bytes = event.bytes
  }

  /// The first event of a file.
  static func version(time: Double) -> TensorBoardEvent {
    TensorBoardEvent(time: time) { event in
      event.put(3, version)
      var source = ProtocolBuffer()
      source.put(1, writer)
      event.put(10, source)
    }
  }

  /// Tells a reader that follows the run to drop what it has read from step 0 on.
  static func start(time: Double) -> TensorBoardEvent {
    TensorBoardEvent(time: time) { event in
      var log = ProtocolBuffer()
      log.put(1, 1)
      event.put(7, log)
    }
  }

  /// The values of a line; nil of `describe` where a name has been described.
  static func values(
    _ entry: RunLog.Entry, time: Double, describe: (String) -> String?
  ) -> TensorBoardEvent {
    TensorBoardEvent(time: time, step: entry.step) { event in
      var summary = ProtocolBuffer()
      for (name, value) in entry.drawn {
        summary.put(1, self.value(name, value, description: describe(name)))
      }
      event.put(5, summary)
    }
  }

  private static func value(
    _ name: String, _ value: RunLog.Entry.Drawn, description: String?
  ) -> ProtocolBuffer {
    var message = ProtocolBuffer()
    message.put(1, name)
    switch value {
    case .number(let number): message.put(2, chosen: Float(number))
    case .histogram(let histogram): message.put(5, self.histogram(histogram))
    }
    if let description { message.put(9, metadata(value, description)) }
    return message
  }

  /// A SummaryMetadata: which of TensorBoard's plugins shows the name, and what it says of it.
  private static func metadata(
    _ value: RunLog.Entry.Drawn, _ description: String
  ) -> ProtocolBuffer {
    // The numbers of DataClass are those of SCALAR and TENSOR.
    let (name, dataClass) =
      switch value {
      case .number: ("scalars", 1)
      case .histogram: ("histograms", 2)
      }
    var plugin = ProtocolBuffer()
    plugin.put(1, name)
    var metadata = ProtocolBuffer()
    metadata.put(1, plugin)
    metadata.put(3, description)
    metadata.put(4, dataClass)
    return metadata
  }

  /// A HistogramProto; sums are those of the middles of the bins.
  private static func histogram(_ histogram: Distribution) -> ProtocolBuffer {
    let edges = histogram.edges
    var count = 0.0
    var sum = 0.0
    var squares = 0.0
    let counts = histogram.counts.map { Double($0) }
    for (index, part) in counts.enumerated() {
      let middle = (edges[index] + edges[index + 1]) / 2
      count += part
      sum += part * middle
      squares += part * middle * middle
    }
    var message = ProtocolBuffer()
    message.put(1, edges.first ?? 0)
    message.put(2, edges.last ?? 0)
    message.put(3, count)
    message.put(4, sum)
    message.put(5, squares)
    message.put(6, Array(edges.dropFirst()))
    message.put(7, counts)
    return message
  }
}
