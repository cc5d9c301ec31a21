class Invitation < ApplicationRecord
  belongs_to :team

  enum :state, { pending: 0, accepted: 1, revoked: 2 }

  validates :email, presence: true
end
