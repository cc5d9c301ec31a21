class Team < ApplicationRecord
  has_many :memberships, dependent: :destroy
  has_many :invitations, dependent: :destroy

  # Seats that the subscription pays for.
  validates :seats, numericality: { greater_than: 0 }
end
