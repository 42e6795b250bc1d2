"""What every implementation of an interface must do: test classes to inherit from."""
