// A genetic algorithm on all cores: looks for a short round trip through random cities.
//
//   genetic_algorithm [seed [cities [epochs]]]
//
// Tours live on islands, and every island evolves in a job of its own. After each epoch the best tour of an island
// visits the next one. A job's random numbers depend on the seed, the epoch and the island alone, so the same seed
// gives the same tour on any number of workers.
#include <prong/prong.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace {

constexpr int kIslands = 8;
constexpr int kTours = 60;     // on each island
constexpr int kBirths = 3000;  // on each island in each epoch

using Chance = std::mt19937_64;
using Order = std::vector<int>;  // numbers of cities

struct City {
  double x = 0;
  double y = 0;

  template <typename Archive>
  void serialize(Archive& archive) {
    archive(x, y);
  }
};

/// A way through all cities and back to the first one.
struct Tour {
  double length = 0;
  Order order;
  auto operator<=>(const Tour&) const = default;

  template <typename Archive>
  void serialize(Archive& archive) {
    archive(length, order);
  }
};

/// What a job gets and gives: tours, the shortest first.
struct Island {
  std::vector<City> cities;
  std::vector<Tour> tours;
  std::uint64_t seed = 0;

  template <typename Archive>
  void serialize(Archive& archive) {
    archive(cities, tours, seed);
  }
};

std::size_t below(Chance& chance, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(chance);
}

double length_of(const std::vector<City>& cities, const Order& order) {
  double length = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const City& from = cities[static_cast<std::size_t>(order[i])];
    const City& to = cities[static_cast<std::size_t>(order[(i + 1) % order.size()])];
    length += std::hypot(to.x - from.x, to.y - from.y);
  }
  return length;
}

std::pair<std::size_t, std::size_t> stretch(Chance& chance, std::size_t size) {
  const auto [first, last] = std::minmax({below(chance, size + 1), below(chance, size + 1)});
  return {first, last};
}

/// A stretch of the mother's tour, the rest in the father's order; then some stretch the other way round.
Order child_of(const Order& mother, const Order& father, Chance& chance) {
  const auto [first, last] = stretch(chance, mother.size());
  std::vector<bool> kept(mother.size());
  for (std::size_t i = first; i < last; ++i) kept[static_cast<std::size_t>(mother[i])] = true;
  Order child;
  std::ranges::copy_if(father, std::back_inserter(child),
                       [&](int city) { return !kept[static_cast<std::size_t>(city)]; });
  const auto at = [&](std::size_t position) { return std::next(child.begin(), static_cast<std::ptrdiff_t>(position)); };
  child.insert(at(first), mother.begin() + static_cast<std::ptrdiff_t>(first),
               mother.begin() + static_cast<std::ptrdiff_t>(last));
  const auto [from, to] = stretch(chance, child.size());
  std::reverse(at(from), at(to));
  return child;
}

/// The best of three.
const Order& parent(const std::vector<Tour>& tours, Chance& chance) {
  return tours[std::min({below(chance, tours.size()), below(chance, tours.size()), below(chance, tours.size())})].order;
}

/// The job: one island's next epoch. Each child that is better than the worst tour takes its place.
std::vector<Tour> evolve(Island island) {
  Chance chance(island.seed);
  std::vector<Tour>& tours = island.tours;
  std::ranges::sort(tours);
  for (int birth = 0; birth < kBirths; ++birth) {
    Tour child{.order = child_of(parent(tours, chance), parent(tours, chance), chance)};
    child.length = length_of(island.cities, child.order);
    const auto place = std::ranges::lower_bound(tours, child);
    if (place == tours.end() || *place == child) continue;
    tours.insert(place, std::move(child));
    tours.pop_back();
  }
  return tours;
}

/// The best tour of each island takes the place of the next island's worst.
void visit(std::vector<Island>& islands) {
  Tour guest = islands.back().tours.front();
  for (Island& island : islands) {
    island.tours.back() = std::exchange(guest, island.tours.front());
  }
}

std::vector<Island> settle(std::uint64_t seed, int city_count) {
  Chance chance(seed);
  std::uniform_real_distribution<double> coordinate(0, 1);
  std::vector<City> cities;
  for (int i = 0; i < city_count; ++i) cities.push_back({.x = coordinate(chance), .y = coordinate(chance)});
  std::vector<Island> islands(kIslands, Island{.cities = cities, .tours = std::vector<Tour>(kTours)});
  for (Island& island : islands) {
    for (Tour& tour : island.tours) {
      tour.order.resize(cities.size());
      std::iota(tour.order.begin(), tour.order.end(), 0);
      std::ranges::shuffle(tour.order, chance);
      tour.length = length_of(cities, tour.order);
    }
  }
  return islands;
}

void report(int epoch, const std::vector<Island>& islands) {
  double shortest = islands.front().tours.front().length;
  for (const Island& island : islands)
    for (const Tour& tour : island.tours) shortest = std::min(shortest, tour.length);
  std::cout << "epoch " << std::setw(2) << epoch << ": " << std::fixed << std::setprecision(4) << shortest << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  prong::init(argc, argv);
  const auto given = [&](int position, int otherwise) {
    return argc > position ? std::atoi(argv[position]) : otherwise;
  };
  const int seed = given(1, 1);
  const int cities = std::max(2, given(2, 60));
  const int epochs = given(3, 12);

  std::vector<Island> islands = settle(static_cast<std::uint64_t>(seed), cities);
  report(0, islands);
  prong::Pool pool;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    for (std::size_t i = 0; i < islands.size(); ++i)
      islands[i].seed = (static_cast<std::uint64_t>(seed) * 1000 + static_cast<std::uint64_t>(epoch)) * kIslands + i;
    std::vector<std::vector<Tour>> evolved = pool.map(evolve, islands);
    for (std::size_t i = 0; i < islands.size(); ++i) islands[i].tours = std::move(evolved[i]);
    visit(islands);
    report(epoch, islands);
  }
}
