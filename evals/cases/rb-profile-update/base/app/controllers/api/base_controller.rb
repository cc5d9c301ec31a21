module Api
  class BaseController < ActionController::API
    include ActionController::HttpAuthentication::Token::ControllerMethods

    before_action :authenticate

    private

    attr_reader :current_user

    def authenticate
      @current_user = authenticate_with_http_token { |token, _| ApiToken.active.find_by(digest: ApiToken.digest(token))&.user }
      head :unauthorized unless current_user
    end
  end
end
