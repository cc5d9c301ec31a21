"""Commands and questions on a pull request."""
