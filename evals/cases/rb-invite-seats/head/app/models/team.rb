class Team < ApplicationRecord
  has_many :memberships, dependent: :destroy
  has_many :invitations, dependent: :destroy

  # Seats that the subscription pays for.
  validates :seats, numericality: { greater_than: 0 }

  class NoSeatLeft < StandardError; end

  def seats_taken
    memberships.count + invitations.accepted.count
  end

  def seat_left?
    seats_taken < seats
  end

  # Invites somebody by mail; raises NoSeatLeft if all seats are taken.
  def invite!(email)
    with_lock do
      raise NoSeatLeft unless seat_left?

      invitations.create!(email: email.strip.downcase)
    end
  end
end
