import Shared

@main enum Main {
  static func main() {}
}
