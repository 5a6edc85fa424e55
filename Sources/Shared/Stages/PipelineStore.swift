// The store of a pipeline file. Comes in: a pipeline. Leaves: where its stages are written and found.

extension Store {
  /// The stores that a pipeline file names.
  package init(_ pipeline: Pipeline) {
    self.init(pipeline.stores.written, reading: pipeline.stores.read)
  }
}
