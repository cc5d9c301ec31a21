"""What queries cost, by GitHub's published rule."""

from graphql import parse

from github_sandbox.graphql_cost import points_of

# https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#predicting-the-point-value-of-a-query
PUBLISHED = """
query {
  viewer {
    login
    repositories(first: 100) {
      edges {
        node {
          id
          issues(first: 50) {
            edges {
              node {
                id
                labels(first: 60) { edges { node { id name } } }
              }
            }
          }
        }
      }
    }
  }
}"""


def test_the_published_example_costs_51_points() -> None:
    assert points_of(parse(PUBLISHED), {}) == 51


def test_a_small_query_costs_one_point() -> None:
    assert points_of(parse("query { viewer { login } }"), {}) == 1


def test_sizes_in_variables_and_connections_in_fragments_count() -> None:
    query = """
    query ($n: Int!) { viewer { ...Shops } }
    fragment Shops on User { repositories(first: $n) { nodes { ... on Repository { issues(last: 10) { totalCount } } } } }
    """
    assert points_of(parse(query), {"n": 100}) == 1
    assert points_of(parse(query), {"n": 400}) == 4
